/// What went wrong since the last session that lasted: which URL is tried next, and how long after.
struct Setbacks {
    private let urls: Int
    private let lasting: Duration
    /// Attempts in a row that led to no session.
    private(set) var failures = 0
    private var losses = 0

    /// - Parameter lasting: how long a session must have lived to count as a success. One that is lost as soon as it is ready may be lost by what it
    ///   does first, and would be lost so time and again.
    init(urls: Int, lasting: Duration) {
        self.urls = urls
        self.lasting = lasting
    }

    /// The number of the URL to be tried next: the first one again after every session.
    var nextURL: Int { failures % urls }

    /// By how many setbacks the pause before the next attempt is measured, from 1; `nil` if there is none, for every URL is tried before the first pause.
    var inARow: Int? {
        if failures == 0 { return max(1, losses) }
        return failures % urls == 0 ? failures / urls : nil
    }

    mutating func note(wasReady: Bool, after lifetime: Duration) {
        guard wasReady else { return failures += 1 }
        failures = 0
        losses = lifetime < lasting ? losses + 1 : 1
    }
}
