public import PusherProtocol

/// A pair that signs for an app, as it stands in a file.
public struct KeySettings: Hashable, Sendable, Codable {
    /// The secrets that others ship as examples: everybody knows them.
    private static let knownSecrets: Set<String> = ["app-secret", "app-key", "changeme", "your-secret"]

    /// Names the pair; public.
    public var key: String
    /// Signs; nobody but the operator's back ends may know it.
    public var secret: Secret

    enum CodingKeys: String, CodingKey, CaseIterable {
        case key, secret
    }

    /// Composes a pair.
    public init(key: String, secret: Secret) {
        self.key = key
        self.secret = secret
    }

    /// Reads both.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        key = try container.decode(String.self, forKey: .key)
        secret = Secret(try container.decode(String.self, forKey: .secret))
    }

    /// Writes both; the secret as ``Secret/placeholder`` unless the encoder stores apps, see ``AppsFile``.
    public func encode(to encoder: any Encoder) throws {
        let storesSecrets = CodingUserInfoKey.storesSecrets.flatMap { encoder.userInfo[$0] } as? Bool ?? false
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(storesSecrets ? secret.revealed : Secret.placeholder, forKey: .secret)
    }

    /// A pair of the system's random numbers: 80 bits of key, 256 of secret.
    public static func random() -> KeySettings {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// A pair of these random numbers.
    static func random(using generator: inout some RandomNumberGenerator) -> KeySettings {
        KeySettings(key: hexadecimal(10, &generator), secret: Secret(hexadecimal(32, &generator)))
    }

    private static func hexadecimal(_ bytes: Int, _ generator: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdef".unicodeScalars)
        var text = String.UnicodeScalarView()
        for _ in 0..<bytes * 2 { text.append(digits[Int(generator.next(upperBound: UInt8(16)))]) }
        return String(text)
    }

    /// The secret as a text, for the person for whom it was made.
    public var revealedSecret: String { secret.revealed }

    /// What will not do. A secret is never shown.
    func problems() -> [SettingProblem] {
        var problems: [SettingProblem] = []
        if !AppSettings.isName(key, 1...128) {
            problems.append(SettingProblem(["key"], "must have 1 to 128 letters, digits, '-' or '_'."))
        }
        let length = secret.revealed.utf8.count
        if !(1...1024 ~= length) {
            problems.append(SettingProblem(["secret"], "must have 1 to 1024 bytes."))
        } else if Self.knownSecrets.contains(secret.revealed) {
            problems.append(
                SettingProblem(["secret"], "is one that everybody knows: make another with 'parley apps create'."))
        }
        return problems
    }
}

extension CodingUserInfoKey {
    /// `true` in the one encoder that may write secrets: that of the apps file.
    static let storesSecrets = CodingUserInfoKey(rawValue: "parley.storesSecrets")
}
