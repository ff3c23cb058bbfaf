import Testing

@testable import PusherProtocol

@Suite("The query of a signed request", .timeLimit(.minutes(5)))
struct APIQueryTests {
    private func signed(_ query: String) throws -> String {
        var text: [UInt8] = []
        try APIQuery(query).append(signedTo: &text)
        return String(decoding: text, as: UTF8.self)
    }

    @Test(
        "Section 6: names are in small letters and sorted, values are decoded, auth_signature is left out",
        arguments: [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("B=X&a=Y", "a=Y&b=X"),
            ("auth_signature=00&auth_key=k", "auth_key=k"),
            ("AUTH_SIGNATURE=00&auth_key=k", "auth_key=k"),
            ("x=%70%72%65&y=a%2Cb", "x=pre&y=a,b"),
            ("%61=1", "a=1"),
            ("a", "a="),
            ("a=", "a="),
            ("&&a=1&&", "a=1"),
            ("a=b=c", "a=b=c"),
            ("a=1+2", "a=1+2"),
            ("ab=1&a=2&b=3", "a=2&ab=1&b=3"),
        ])
    func canonical(query: String, text: String) throws { #expect(try signed(query) == text) }

    @Test(
        "A % without two hexadecimal digits stands for itself, and a value is decoded once only",
        arguments: [("a=%", "a=%"), ("a=%4", "a=%4"), ("a=%zz", "a=%zz"), ("a=%2541", "a=%41"), ("a=%%41", "a=%A")])
    func decodedOnce(query: String, text: String) throws { #expect(try signed(query) == text) }

    @Test(
        "Arrays are joined with commas under their plain name, as PHP signs them",
        arguments: [
            ("info[]=a&info[]=b", "info=a,b"),
            ("info%5B0%5D=b&info%5B1%5D=a&aa=1", "aa=1&info=b,a"),
            ("info[]=a", "info=a"),
            ("z[]=2&a=1&Z[]=1", "a=1&z=2,1"),
        ])
    func arrays(query: String, text: String) throws { #expect(try signed(query) == text) }

    @Test("The value of an array is what was signed of it")
    func arrayValue() throws {
        let query = try APIQuery("info[]=user_count&x=1&info[]=subscription_count")
        #expect(query.value("info") == Array("user_count,subscription_count".utf8))
        #expect(query.value("x") == Array("1".utf8))
        #expect(query.value("inf") == nil)
    }

    @Test(
        "Row 137: a parameter that is there twice is refused, and so is an array of what signs",
        arguments: [
            "a=1&a=1", "a=1&A=2", "auth_key=k&auth_key=k", "auth_signature=0&auth_signature=0", "auth_signature[]=0",
            "auth_key[0]=k", "info=a&info[]=b", "body_md5=1&body_md5=2",
        ])
    func repeated(query: String) { #expect(throws: APIQuery.Fault.repeated) { try APIQuery(query) } }

    @Test(
        "What would make the signed text stand for two queries is refused",
        arguments: ["a=1%26b=2", "a%26b=1", "a%3Db=1", "a=1&b%3d=2"])
    func ambiguous(query: String) { #expect(throws: APIQuery.Fault.ambiguous) { try APIQuery(query) } }

    @Test("A value without a copy is that of a parameter that is no array")
    func plainValue() throws {
        let query = try APIQuery("b=2&info[]=x&a=1&c=")
        #expect(query.plainValue("a").map(Array.init) == [0x31])
        #expect(query.plainValue("c").map(Array.init) == [])
        #expect(query.plainValue("info") == nil)
        #expect(query.plainValue("d") == nil)
    }

    @Test("More than 64 parameters are refused, however they are named")
    func tooMany() throws {
        func query(_ count: Int) -> String { (0..<count).map { "p\($0)=" }.joined(separator: "&") }
        _ = try APIQuery(query(64))
        #expect(throws: APIQuery.Fault.tooMany) { try APIQuery(query(65)) }
        #expect(throws: APIQuery.Fault.tooMany) { try APIQuery(String(repeating: "a[]=&", count: 65)) }
    }

    @Test("What a request means leaves out what only signs it")
    func meaning() throws {
        var text: [UInt8] = []
        try APIQuery("info=position&auth_key=k&body_md5=0&auth_timestamp=1&auth_version=1.0&x=2")
            .append(meaningTo: &text)
        #expect(text == Array("info=position&x=2".utf8))
    }
}
