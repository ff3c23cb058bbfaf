import Testing

/// What every engine does, whatever it keeps things in: the sentences of the port as tests.
///
/// They use the port alone, and what a fixture says; an engine joins them by one line in ``EngineFixtures``.
@Suite("What every engine does", .timeLimit(.minutes(5)))
enum EngineConformance {}
