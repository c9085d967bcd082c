import Testing

/// Runs the real programs against a real broker. The tests run one after another, because each needs the whole machine.
@Suite(.serialized, .timeLimit(.minutes(10)))
enum EndToEnd {}
