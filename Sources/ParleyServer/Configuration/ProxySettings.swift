import WebSocketNIO

/// Checks what an operator says about the proxies in front of the server.
enum ProxySettings {
    /// What is wrong with the networks and the header.
    static func problems(networks: [String], header: String?) -> [SettingProblem] {
        var problems: [SettingProblem] = []
        for (index, network) in networks.enumerated() where AddressNetwork(network) == nil {
            problems.append(
                SettingProblem(
                    ["trust_proxy", String(index)], "\(network): give an address or a network, like 10.0.0.0/8 or ::1.")
            )
        }
        guard let header else { return problems }
        if !isToken(header) {
            problems.append(SettingProblem(["forwarded_header"], "\(header): give the name of a header."))
        } else if header.lowercased() == "forwarded" {
            problems.append(
                SettingProblem(
                    ["forwarded_header"],
                    "\(header): its syntax (RFC 7239) is not understood. Have the proxy send X-Forwarded-For."))
        }
        return problems
    }

    /// RFC 9110 §5.6.2, without the characters that no header of a proxy has.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    return true
                default: return false
                }
            }
    }
}
