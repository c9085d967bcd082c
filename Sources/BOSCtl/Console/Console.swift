import Foundation
import Synchronization

/// What a person or a program reads: rows on the standard output, a progress bar and complaints on the standard error.
///
/// Rows and bar share the terminal, so all writing goes through one lock.
final class Console: Sendable {
    private struct State {
        var hasHeader = false
        var bar = ""
    }

    let isJSON: Bool
    /// Whether colours and the progress bar have somebody to see them.
    let isTerminal: Bool
    private let state = Mutex(State())

    init(isJSON: Bool) {
        self.isJSON = isJSON
        isTerminal = !isJSON && isatty(1) == 1 && isatty(2) == 1
    }

    /// Writes one line to the standard output, above the progress bar.
    /// - Parameter header: the table's head, written once before the first row.
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

    /// Says something that went wrong, or that a person should know, in a sentence.
    func complain(_ sentence: String) {
        state.withLock { state in
            clearBar(state)
            Self.writeError("bosctl: \(sentence)\n")
            Self.write(state.bar, to: .standardError)
        }
    }

    /// Shows how far it is; an empty text takes the bar away.
    func progress(_ text: String) {
        guard isTerminal else { return }
        state.withLock { state in
            clearBar(state)
            state.bar = text
            Self.write(text, to: .standardError)
        }
    }

    private func clearBar(_ state: State) {
        if !state.bar.isEmpty { Self.write("\r\u{1B}[K", to: .standardError) }
    }

    static func writeError(_ text: String) { write(text, to: .standardError) }

    /// A reader that has gone away (`bosctl … | head`) is no reason to fail: the jobs are what matters.
    private static func write(_ text: String, to handle: FileHandle) {
        guard !text.isEmpty else { return }
        try? handle.write(contentsOf: Data(text.utf8))
    }
}

extension Console {
    /// Asks the person at the terminal. Without one the answer is no.
    ///
    /// It blocks its thread; nothing else of the command runs meanwhile.
    func confirms(_ question: String) -> Bool {
        guard isatty(0) == 1, isatty(2) == 1 else { return false }
        Self.writeError("\(question) [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased())
    }
}
