import PusherProtocol

/// Signing in, and watching who else has.
extension SimulatedClient {
    /// Signs in, or once more.
    func askToSignIn() {
        guard phase == .connected, let watched = signIn?.watched else { return }
        let isForged = !world.isSettling && random.chance(100)
        var userData = JSONWriter()
        userData.raw(#"{"id":"#)
        userData.string(user)
        userData.raw(#","watchlist":["#)
        for (index, other) in watched.enumerated() {
            if index > 0 { userData.raw(",") }
            userData.string(other)
        }
        userData.raw("]}")
        let signature = PusherSignature.sign(
            socketID + Array("::user::".utf8) + userData.bytes,
            with: isForged ? "guessed" : app.keys.first?.secret ?? "")
        var json = JSONWriter()
        json.raw(#"{"event":"pusher:signin","data":{"auth":"#)
        json.string(Array("\(app.keys.first?.key ?? ""):".utf8) + signature)
        json.raw(#","user_data":"#)
        json.string(userData.bytes)
        json.raw("}}")
        if !isForged { signIn?.unanswered += 1 }
        send(json)
    }

    /// The server says that the client is signed in.
    func signedIn() {
        scheduler.check(
            signIn.map { $0.unanswered > 0 } ?? false, .authorisation, "\(words) was signed in without a right to it")
        signIn?.done()
    }

    /// The server says who came online, or went.
    func watchedHaveChanged(_ message: ServerMessage) {
        guard signIn?.isDone == true, let text = message.data, let change = WatchlistChange(text) else {
            return scheduler.report(.wire, "\(words) was told \(message)")
        }
        for user in change.users {
            scheduler.check(
                signIn?.changed(user, isOnline: change.isOnline) ?? false, .presence,
                "\(words) was told that \(String(decoding: user, as: UTF8.self)) is "
                    + "\(change.isOnline ? "online" : "offline"), which is no news")
        }
    }
}
