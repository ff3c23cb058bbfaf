import Channels

/// Signing in (spec: pusher-protocol §5.8).
extension PusherConnection {
    func signIn(_ auth: [UInt8], _ userData: [UInt8]) {
        do throws(SignInProblem) {
            try signIn(checking: auth, userData)
        } catch .notAuthorized {
            end(PusherCloseCode.unauthorized, SignInProblem.notAuthorized.text)
        } catch {
            report(Int(PusherCloseCode.unauthorized), error.text)
            deliver(PusherMessages.error(PusherCloseCode.unauthorized, error.text))
        }
    }

    private func signIn(checking auth: [UInt8], _ userData: [UInt8]) throws(SignInProblem) {
        var message = socketID.text
        message.append(contentsOf: "::user::".utf8)
        message.append(contentsOf: userData)
        guard runtime.isAuthorized(auth, message) else { throw .notAuthorized }
        let data = try UserData.read(userData, runtime.app.limits)
        if let user {
            guard user.id == data.id else { throw .otherUser }
            return user.repeated(data, userData: userData)
        }
        isAuthorized()
        let user = SignedInUser(data, self)
        self.user = user
        user.begin(data, userData: userData)
    }
}
