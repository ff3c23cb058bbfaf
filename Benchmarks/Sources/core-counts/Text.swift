import WebSocketCore

/// UTF-8 validation of long texts.
enum Text {
    /// 64 KiB of ASCII.
    static let ascii = [UInt8](repeating: 97, count: 65_536)
    /// 65,535 bytes of Chinese with its punctuation: all characters of three bytes.
    static let chinese = Array(repeatElement(Array("今天天气很好，我们去公园吧。".utf8), count: 1561).joined().prefix(65_535))

    /// Validates the text `count` times.
    static func validate(_ count: Int, _ text: [UInt8]) -> Int {
        var sum = 0
        for _ in 0..<count {
            var validator = UTF8Validator()
            if text.withUnsafeBytes({ validator.validate($0) }), validator.isAtBoundary { sum &+= 1 }
        }
        return sum
    }
}
