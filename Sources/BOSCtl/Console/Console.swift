import Foundation
import Synchronization

/// The output of one command: rows on the standard output; complaints and a progress bar on the standard error.
///
/// Rows and bar share the terminal, so one lock guards all writing.
final class Console: Sendable {
    private struct State {
        var hasHeader = false
        var bar = ""
    }

    let isJSON: Bool
    /// Whether both outputs are a terminal, which gets colours and a progress bar. Always `false` with JSON.
    let isTerminal: Bool
    private let state = Mutex(State())

    init(isJSON: Bool) {
        self.isJSON = isJSON
        isTerminal = !isJSON && isatty(1) == 1 && isatty(2) == 1
    }

    /// Writes one line to the standard output, above the progress bar.
    /// - Parameter header: the head of the table. The console writes it once, before the first row.
    func row(_ line: String, header: String? = nil) {
        state.withLock { state in
            clearBar(state)
            if let header, !state.hasHeader {
                state.hasHeader = true
                Self.write("\(header)\n", to: .standardOutput)
            }
            Self.write("\(line)\n", to: .standardOutput)
            Self.write(state.bar, to: .standardError)
        }
    }

    /// Writes one sentence about a problem to the standard error.
    func complain(_ sentence: String) {
        state.withLock { state in
            clearBar(state)
            Self.writeError("bosctl: \(sentence)\n")
            Self.write(state.bar, to: .standardError)
        }
    }

    /// Replaces the progress bar; an empty text removes it. Does nothing without a terminal.
    func progress(_ text: String) {
        guard isTerminal else { return }
        state.withLock { state in
            clearBar(state)
            state.bar = text
            Self.write(text, to: .standardError)
        }
    }

    /// Clears the terminal, so that the next report replaces the last one.
    func clear() { state.withLock { _ in Self.write("\u{1B}[H\u{1B}[2J", to: .standardOutput) } }

    private func clearBar(_ state: State) {
        if !state.bar.isEmpty { Self.write("\r\u{1B}[K", to: .standardError) }
    }

    static func writeError(_ text: String) { write(text, to: .standardError) }

    /// Ignores a reader that has closed the pipe (`bosctl … | head`): the command must still finish its work on the jobs.
    private static func write(_ text: String, to handle: FileHandle) {
        guard !text.isEmpty else { return }
        try? handle.write(contentsOf: Data(text.utf8))
    }
}

extension Console {
    /// Asks the operator a yes-or-no question. Returns `false` if the standard input or the standard error is not a terminal.
    ///
    /// It blocks its thread. No other part of the command runs meanwhile.
    func confirms(_ question: String) -> Bool {
        guard isatty(0) == 1, isatty(2) == 1 else { return false }
        Self.writeError("\(question) [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased())
    }
}
