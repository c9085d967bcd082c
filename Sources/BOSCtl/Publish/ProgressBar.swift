/// How far a batch is, in one line.
enum ProgressBar {
    static func text(_ standing: ReplyDesk.Standing, of count: Int, waits: Bool, elapsed: Duration) -> String {
        let done = waits ? standing.answered : standing.confirmed
        let filled = 30 * done / count
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
        let speed = Decimals.text(Double(done) / max(elapsed / .seconds(1), 0.001), 0)
        let waiting = waits ? "answered, \(standing.confirmed) published" : "published"
        return "\r\(bar) \(done)/\(count) \(waiting), \(speed)/s"
    }

    static func summary(_ standing: ReplyDesk.Standing, of count: Int, waits: Bool, elapsed: Duration) -> String {
        let seconds = Decimals.text(elapsed / .seconds(1), 1)
        guard waits else { return "\(standing.confirmed) of \(count) jobs published in \(seconds) s" }
        let outcomes = standing.outcomes.sorted { $0.key < $1.key }.map { ", \($0.value) \($0.key)" }.joined()
        return "\(standing.answered) of \(count) jobs answered in \(seconds) s\(outcomes)"
    }
}
