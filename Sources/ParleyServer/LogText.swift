/// What others wrote, fit for one line of a log.
enum LogText {
    /// Scalars of a text that are shown.
    static let maximumScalars = 300

    /// The text with everything but printable ASCII escaped, and cut: it cannot begin a line, colour a terminal, or end
    /// the quotation marks around it.
    static func escaped(_ text: String) -> String {
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < maximumScalars else { return shown + "..." }
            count += 1
            switch scalar {
            case "\"", "\\":
                shown.unicodeScalars.append("\\")
                shown.unicodeScalars.append(scalar)
            case " "..."~":
                shown.unicodeScalars.append(scalar)
            default:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return shown
    }
}
