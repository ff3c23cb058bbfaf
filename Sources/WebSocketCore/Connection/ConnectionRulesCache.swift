/// Finds the ``ConnectionRules`` that other connections of a loop have already, so that all of a route share theirs.
///
/// Belongs to one loop's thread. A server has a handful of routes; should somebody make up limits for each connection,
/// those share nothing and nothing is kept.
public struct ConnectionRulesCache {
    private static let maximumKept = 32
    private var kept: [ConnectionRules] = []

    /// An empty one.
    public init() {}

    /// The rules for these limits.
    public mutating func rules(role: Role, limits: ConnectionLimits) -> ConnectionRules {
        for rules in kept where rules.role == role && rules.limits == limits { return rules }
        let rules = ConnectionRules(role: role, limits: limits)
        if kept.count < Self.maximumKept { kept.append(rules) }
        return rules
    }
}
