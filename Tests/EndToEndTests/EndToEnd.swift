import Testing

/// Real processes on a real broker: what only the whole can show. One after another, since each needs the machine.
@Suite(.serialized, .timeLimit(.minutes(10)))
enum EndToEnd {}
