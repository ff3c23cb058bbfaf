import Testing

@testable import Channels

@Suite("The keyed hash of names", .timeLimit(.minutes(5)))
struct KeyedHashTests {
    private let hash = KeyedHash(key: SIMD2(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))

    @Test("It is SipHash-2-4: the paper's vector and its authors' first ones")
    func vectors() {
        #expect(hash(Array(0..<15)) == 0xa129_ca61_49be_45e5)
        #expect(hash([]) == 0x726f_db47_dd0e_0e31)
        #expect(hash([0]) == 0x74f8_39c5_93dc_67fd)
        #expect(hash(Array(0..<8)) == 0x93f5_f579_9a93_2462)
    }

    @Test("Where one text ends and the other begins counts, and so do the number and the key")
    func parts() {
        let other = KeyedHash(key: SIMD2(1, 2))
        let all = [
            hash([1, 2], [3]), hash([1], [2, 3]), hash([], [1, 2, 3]), hash([1, 2], [3], 1), other([1, 2], [3]),
        ]
        #expect(Set(all).count == all.count)
        #expect(hash([1, 2], [3]) == hash([1, 2], [3]))
    }
}
