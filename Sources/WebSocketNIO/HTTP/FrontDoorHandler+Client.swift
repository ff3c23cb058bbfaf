import NIOCore
import WebSocketCore

/// Whose request it is: the peer's, or that of the client whom a trusted proxy names.
extension FrontDoorHandler {
    /// Counts a request that a trusted proxy forwards for its client's address; `false` when the request was refused.
    func clientIsAdmitted(_ request: OpeningRequest, _ context: ChannelHandlerContext) -> Bool {
        guard let peer = context.remoteAddress.flatMap({ IPAddress($0) }) else { return true }
        let proxies = configuration.proxies
        guard proxies.trusts(peer) else {
            reportForwarding(request, context)
            return true
        }
        let client = proxies.client(in: request.fields.values(of: proxies.header))
        clientAddress = if case .named(let address) = client { address } else { nil }
        // Nobody gets around the limits with a header that says nothing: only the proxy itself is exempt on the loopback.
        guard let lease,
            let reason = state.doorkeeper.beginRequest(
                lease, of: clientAddress ?? peer, isPeer: client == .nobody)
        else { return true }
        refuse(reason)
        return false
    }

    /// The request was answered, and the connection waits for another one, perhaps of another client.
    func requestOfClientEnds() {
        guard !configuration.proxies.networks.isEmpty, let lease, let context,
            let peer = context.remoteAddress.flatMap({ IPAddress($0) }), configuration.proxies.trusts(peer)
        else { return }
        clientAddress = nil
        state.doorkeeper.endRequest(lease)
    }

    /// The client's address for a log: the one that a trusted proxy has named for this request, or the socket peer's.
    var peer: String { clientAddress?.text ?? context?.remoteAddress?.ipAddress ?? "" }

    /// A limit of the server's refuses the request: it is answered, unless too many others are being answered.
    func refuse(_ reason: AcceptRefusal.Reason) {
        guard let context else { return }
        let lingering = state.doorkeeper.refuse(lease)
        configuration.onAcceptRefused(
            AcceptRefusal(reason: reason, peer: peer, isAnswered: lingering != nil))
        refusal = reason
        guard let lingering else { return context.close(promise: nil) }
        lease = lingering
        refuse(reason.answer)
    }

    /// An operator behind a proxy that is not trusted sees all clients as one: that is worth a line, once.
    private func reportForwarding(_ request: OpeningRequest, _ context: ChannelHandlerContext) {
        guard state.mayReportForwarding else { return }
        let names = [configuration.proxies.header, "X-Forwarded-For", "Forwarded"]
        guard let name = names.first(where: { !request.fields.values(of: $0).isEmpty }), state.reportsForwarding()
        else {
            return
        }
        configuration.onUntrustedForwarding(name, context.remoteAddress?.ipAddress ?? "")
    }
}
