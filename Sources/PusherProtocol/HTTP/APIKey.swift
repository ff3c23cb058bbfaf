/// One pair of an app, ready to check signatures.
struct APIKey: Sendable {
    /// The pair.
    let pair: PusherKey
    /// What `auth_key` has to be.
    let name: [UInt8]
    /// Checks what was signed with the secret.
    let signer: PusherSigner

    init(_ pair: PusherKey) {
        self.pair = pair
        name = Array(pair.key.utf8)
        signer = PusherSigner(secret: pair.secret)
    }
}
