import Crypto

/// The signature of everything that an app's back end vouches for: HMAC-SHA256 with a secret of the app, written as 64
/// lower-case hexadecimal digits.
public enum PusherSignature {
    /// How long a signature is, in digits.
    public static let digits = 64

    /// The signature of `message`, ASCII.
    public static func sign(_ message: [UInt8], with secret: Secret) -> [UInt8] {
        hexadecimal(HMAC<SHA256>.authenticationCode(for: message, using: key(secret)))
    }

    /// Whether `signature` is that of `message`. Anything but 64 lower-case digits is none.
    ///
    /// The comparison takes the same time wherever the first difference is.
    public static func isValid(
        _ signature: some Collection<UInt8>, of message: [UInt8], with secret: Secret
    ) -> Bool {
        guard let code = bytes(ofHexadecimal: signature), code.count == SHA256.byteCount else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key(secret))
    }

    /// The MD5 of a body as the HTTP API names it in `body_md5`: 32 lower-case digits. No protection of anything.
    public static func bodyDigest(_ body: [UInt8]) -> [UInt8] { hexadecimal(Insecure.MD5.hash(data: body)) }

    /// The bytes that lower-case hexadecimal digits stand for; `nil` for anything else.
    public static func bytes(ofHexadecimal text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2), text.count <= 2 * digits else { return nil }
        var isDecoded = false
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 2) { buffer, count in
            isDecoded = decode(hexadecimal: text, into: UnsafeMutableRawBufferPointer(buffer))
            count = isDecoded ? text.count / 2 : 0
        }
        return isDecoded ? bytes : nil
    }

    /// Writes the bytes that lower-case hexadecimal digits stand for; `false` unless there are two digits for each byte
    /// of `space`.
    static func decode(
        hexadecimal text: some Collection<UInt8>, into space: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard text.count == 2 * space.count else { return false }
        for (place, byte) in text.enumerated() {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
            default: return false
            }
            if place.isMultiple(of: 2) { space[place / 2] = digit << 4 } else { space[place / 2] |= digit }
        }
        return true
    }

    /// Lower-case hexadecimal digits, ASCII.
    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(digits)
        for byte in bytes {
            for digit in [byte >> 4, byte & 15] {
                text.append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ (digit &- 10))
            }
        }
        return text
    }

    private static func key(_ secret: Secret) -> SymmetricKey { SymmetricKey(data: Array(secret.revealed.utf8)) }
}
