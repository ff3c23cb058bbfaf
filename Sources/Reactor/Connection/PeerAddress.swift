#if os(Linux)
import Glibc

/// The address of a socket's peer, for a person who reads a log: asked of the kernel when it is wanted, since nobody keeps
/// it. Empty when the peer is gone.
func peerAddress(of descriptor: Int32) -> String {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { storage in
        storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            guard getpeername(descriptor, address, &length) == 0 else { return "" }
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { host in
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXSERV)) { port in
                    let flags = NI_NUMERICHOST | NI_NUMERICSERV
                    guard
                        getnameinfo(
                            address, length, host.baseAddress, socklen_t(host.count), port.baseAddress,
                            socklen_t(port.count), flags) == 0,
                        let hostText = host.baseAddress, let portText = port.baseAddress
                    else { return "" }
                    let name = String(cString: hostText)
                    return "\(name.contains(":") ? "[\(name)]" : name):\(String(cString: portText))"
                }
            }
        }
    }
}
#endif
