import JobModel
import Observability

extension String {
    /// On one line and without control characters: what came from elsewhere must not move the cursor or break a row.
    var printable: String {
        String(map { $0.isNewline || $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? "?" : $0 })
    }

    /// As wide as that at least.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Job {
    /// A text about the job as a person may see it. Whoever wrote it, BOS among them, may have put the subscriber's number into it.
    func withoutSubscriber(_ text: String) -> String {
        // Shorter ones are no subscriber's number, and would be found in every date.
        guard case .recharge(let recharge) = self, recharge.subscriber.count >= 5 else { return text.printable }
        return text.replacing(recharge.subscriber, with: masked(recharge.subscriber)).printable
    }
}
