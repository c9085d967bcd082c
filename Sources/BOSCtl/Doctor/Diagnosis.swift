import ExactJSON

/// One line of `bosctl doctor`.
struct Diagnosis: Equatable {
    enum Level: String, CaseIterable {
        case ok
        /// It works now, and will not for ever, or is not as it should be.
        case warning
        /// Something does not work.
        case fault
    }

    /// What was looked at, in one or two words that never change, so that programs can search for it.
    let name: String
    let level: Level
    /// What was found, in one clause.
    let finding: String
    /// What to do; `nil` if there is nothing to do.
    let mend: String?

    static func ok(_ name: String, finding: String) -> Diagnosis { Diagnosis(name: name, level: .ok, finding: finding, mend: nil) }

    static func warning(_ name: String, finding: String, mend: String) -> Diagnosis {
        Diagnosis(name: name, level: .warning, finding: finding, mend: mend)
    }

    static func fault(_ name: String, finding: String, mend: String) -> Diagnosis {
        Diagnosis(name: name, level: .fault, finding: finding, mend: mend)
    }
}

/// All lines of `bosctl doctor`.
struct DoctorReport: Report {
    let diagnoses: [Diagnosis]

    private func count(_ level: Diagnosis.Level) -> Int { diagnoses.count { $0.level == level } }
    var hasFault: Bool { count(.fault) > 0 }
    var hasWarning: Bool { count(.warning) > 0 }

    var lines: [String] {
        let width = diagnoses.map(\.name.count).max() ?? 0
        let indent = String(repeating: " ", count: "warning".count + width + 4)
        var lines: [String] = []
        for diagnosis in diagnoses {
            let head = "\(diagnosis.level.rawValue.padded(to: 7))  \(diagnosis.name.padded(to: width))  "
            lines += TextWrapping.wrap(diagnosis.finding.printable, first: head, rest: indent)
            if let mend = diagnosis.mend { lines += TextWrapping.wrap("mend: \(mend.printable)", first: indent, rest: indent) }
        }
        return lines + ["\(count(.ok)) ok, \(count(.warning)) warnings, \(count(.fault)) faults"]
    }

    var json: [JSONValue] {
        diagnoses.map { diagnosis in
            .object([
                .init("check", .string(diagnosis.name)), .init("level", .string(diagnosis.level.rawValue)),
                .init("finding", .string(diagnosis.finding.printable)),
                .init("mend", diagnosis.mend.map { .string($0.printable) } ?? .null),
            ])
        }
    }
}

/// Breaks texts into lines of 100 columns at spaces.
enum TextWrapping {
    static let columns = 100

    /// - Parameters:
    ///   - first: what stands before the first line.
    ///   - rest: what stands before each further line.
    static func wrap(_ text: String, first: String, rest: String) -> [String] {
        var lines: [String] = []
        var line = first
        var isEmpty = true
        for word in text.split(separator: " ", omittingEmptySubsequences: true) {
            if !isEmpty, line.count + 1 + word.count > columns {
                lines.append(line)
                (line, isEmpty) = (rest, true)
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return lines + [line]
    }
}
