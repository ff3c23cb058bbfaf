/// How far a run is; made to be shown to a person.
public enum LoadProgress: Hashable, Sendable, CustomStringConvertible {
    /// So many connections of all are open, or in ``LoadPlan/Work/connect`` have been.
    case connecting(Int, of: Int)
    /// So many connections of all have had their echo.
    case exchanging(Int, of: Int)
    /// The work runs and is not measured yet.
    case warmingUp
    /// Seconds of all that were measured.
    case measuring(Double, of: Double)
    /// Seconds of all that the connections were held.
    case holding(Double, of: Double)
    /// What is under way is awaited, and the connections are closed.
    case finishing

    /// The phase, the same for all its steps.
    public var phase: String {
        switch self {
        case .connecting: return "connecting"
        case .exchanging: return "exchanging"
        case .warmingUp: return "warming up"
        case .measuring: return "measuring"
        case .holding: return "holding"
        case .finishing: return "finishing"
        }
    }

    /// One line.
    public var description: String {
        switch self {
        case .connecting(let count, let all), .exchanging(let count, let all):
            return "\(phase) \(Figure.grouped(count))/\(Figure.grouped(all))"
        case .measuring(let seconds, let all), .holding(let seconds, let all):
            return "\(phase) \(Figure.fixed(min(seconds, all), 1))/\(Figure.short(all)) s"
        case .warmingUp, .finishing: return phase
        }
    }
}
