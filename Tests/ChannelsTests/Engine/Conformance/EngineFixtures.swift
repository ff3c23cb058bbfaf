/// The engines that the conformance tests are run on.
enum EngineFixtures {
    static let all: [any EngineFixture] = [MemoryFixture()]
}
