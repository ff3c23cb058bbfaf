public import PusherProtocol
public import Reactor
public import RoomProtocol
public import WebSocketCompression

/// Reads one word out of several from a configuration file.
enum Choice {
    static func decode<Value: RawRepresentable<String> & CaseIterable>(from decoder: any Decoder) throws -> Value {
        let text = try? decoder.singleValueContainer().decode(String.self)
        if let value = text.flatMap({ Value(rawValue: $0) }) { return value }
        let words = Value.allCases.map(\.rawValue)
        let choice = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        let problem = text.map { "\(LogText.escaped($0)): give \(choice)." } ?? "must be \(choice)."
        throw SettingProblem(decoder.codingPath.map(\.settingKey), problem)
    }
}

extension CompressionMode: Decodable {
    /// Reads the word of the `--compression` option.
    public init(from decoder: any Decoder) throws { self = try Choice.decode(from: decoder) }
}

extension CarrierKind: Decodable {
    /// Reads the word of the `--carrier` option.
    public init(from decoder: any Decoder) throws { self = try Choice.decode(from: decoder) }
}

extension RoomOptions.LeftType: Decodable {
    /// Reads the word of the `--room-left` option.
    public init(from decoder: any Decoder) throws { self = try Choice.decode(from: decoder) }
}

extension PusherDialect: Codable {
    /// Reads the word of an app's `dialect`.
    public init(from decoder: any Decoder) throws { self = try Choice.decode(from: decoder) }
}

extension CodingKey {
    /// The key, or the number in a list.
    var settingKey: String { intValue.map { String($0) } ?? stringValue }
}
