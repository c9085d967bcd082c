import Foundation
import FoundationNetworking

/// What one rendering of the status page costs the worker, with the request and the reading of its state.
enum StatusPageCost {
    /// A page is kept for one second, so each of these requests renders it.
    private static let pause = Duration.milliseconds(1_050)

    /// The worker is idle meanwhile. The time of the same number of seconds without a request is taken off.
    static func measure(_ count: Int, of worker: MeasuredWorker) async throws -> Duration {
        guard count > 0 else { return .zero }
        guard let pages = worker.pages, let url = URL(string: pages) else { throw BenchmarkError.page("the log names no port") }
        let session = URLSession(configuration: .ephemeral)
        // The first request pays for what is made once.
        try await get(url, in: session)
        let start = worker.running
        for _ in 0..<count { try await Task.sleep(for: pause) }
        let idle = worker.running - start
        for _ in 0..<count {
            try await Task.sleep(for: pause)
            try await get(url, in: session)
        }
        return max(.zero, worker.running - start - idle * 2) / count
    }

    private static func get(_ url: URL, in session: URLSession) async throws {
        let (data, response) = try await session.data(from: url)
        guard (response as? HTTPURLResponse)?.statusCode == 200, data.count > 5_000 else { throw BenchmarkError.page("it is not there") }
    }
}
