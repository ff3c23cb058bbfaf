import Crypto

/// Checks many signatures that were made with one secret: what the secret alone takes is done once.
struct PusherSigner: Sendable {
    private let code: HMAC<SHA256>

    /// The checker for a secret.
    init(secret: Secret) { code = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.revealed.utf8))) }

    /// Whether `signature` is that of `message`; see ``PusherSignature/isValid(_:of:with:)``.
    func isValid(_ signature: some Collection<UInt8>, of message: [UInt8]) -> Bool {
        var code = code
        code.update(data: message)
        return withUnsafeTemporaryAllocation(byteCount: SHA256.byteCount, alignment: 1) { bytes in
            guard PusherSignature.decode(hexadecimal: signature, into: bytes) else { return false }
            // The library compares authentication codes with bytes in constant time.
            return code.finalize() == UnsafeRawBufferPointer(bytes)
        }
    }
}

extension PusherSigner: CustomReflectable {
    /// A mirror without children: the state of the hash is as good as the secret to whoever forges signatures.
    var customMirror: Mirror { Mirror(self, children: [:] as KeyValuePairs<String, Any>) }
}
