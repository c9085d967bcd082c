import Foundation

/// Reads the text of `swift-frontend -dump-parse`: a node a line, its depth shown by its indentation.
///
/// A line looks like `    (func_decl decl_context=0x1 range=[JobRun.swift:5:9 - line:18:1] "name(label:)" …`.
struct SyntaxDumpReader {
    var facts: SyntaxFacts
    /// The depth of the pattern whose nodes are being read. Names in a pattern make nothing.
    private var patternDepth: Int?
    /// The enumerations around the present line, with their depth and first line.
    private var enumerations: [(depth: Int, line: Int)] = []

    init(facts: SyntaxFacts) { self.facts = facts }

    mutating func read(_ dump: UnsafeRawBufferPointer) {
        var start = 0
        while start < dump.count {
            var end = start
            while end < dump.count, dump[end] != UInt8(ascii: "\n") { end += 1 }
            read(line: UnsafeRawBufferPointer(rebasing: dump[start..<end]))
            start = end + 1
        }
    }

    private mutating func read(line bytes: UnsafeRawBufferPointer) {
        var depth = 0
        while depth < bytes.count, bytes[depth] == UInt8(ascii: " ") { depth += 1 }
        guard depth < bytes.count, bytes[depth] == UInt8(ascii: "(") else { return }
        var start = depth + 1
        var end = start
        // `(role=kind …` names the part that the node plays in its parent.
        while end < bytes.count, bytes[end] != UInt8(ascii: " "), bytes[end] != UInt8(ascii: ")") {
            if bytes[end] == UInt8(ascii: "=") { start = end + 1 }
            end += 1
        }
        let kind = String(decoding: bytes[start..<end], as: UTF8.self)
        if let patternDepth, depth <= patternDepth { self.patternDepth = nil }
        while let last = enumerations.last, depth <= last.depth { enumerations.removeLast() }
        read(kind, depth: depth) { String(decoding: bytes[end...], as: UTF8.self) }
    }

    /// - Parameter text: the rest of the line. It is decoded only for the nodes that count.
    private mutating func read(_ kind: String, depth: Int, text: () -> String) {
        switch kind {
        case "pattern_expr", "unresolved_pattern_expr": patternDepth = patternDepth ?? depth
        case "enum_decl": enumerations.append((depth, DumpLine(text()).firstLine))
        case "enum_element_decl": add(case: DumpLine(text()))
        case "func_decl", "constructor_decl", "subscript_decl": add(function: DumpLine(text()))
        case "unresolved_member_expr": add(member: DumpLine(text()).value(of: "name"))
        case "unresolved_dot_expr": add(member: DumpLine(text()).value(of: "field"))
        default: break
        }
    }

    private mutating func add(function line: DumpLine) {
        facts.functions.append(.init(name: line.declaredName, firstLine: line.firstLine, lastLine: line.lastLine))
    }

    /// The parser lists each case twice: within its `case` line and among the members.
    private mutating func add(case line: DumpLine) {
        guard let enumeration = enumerations.last else { return }
        let name = line.declaredName.prefix { $0 != "(" }
        guard !facts.cases.contains(where: { $0.name == name && $0.line == line.firstLine }) else { return }
        facts.cases.append(.init(name: String(name), line: line.firstLine, enumerationLine: enumeration.line))
    }

    private mutating func add(member name: String?) {
        guard patternDepth == nil, let name else { return }
        facts.usedMembers.insert(String(name.prefix { $0 != "(" }))
    }
}

/// The part of a dumped line that stands behind the node's kind.
private struct DumpLine {
    let text: String

    init(_ text: String) { self.text = text }

    /// The text in quotation marks behind the range: the name with its argument labels.
    var declaredName: String {
        guard let start = text.range(of: "] \"")?.upperBound else { return "" }
        return String(text[start...].prefix { $0 != "\"" })
    }

    var firstLine: Int { number(behind: ":", in: range.first) }
    var lastLine: Int { number(behind: "line:", in: range.last) }

    /// The value of `name="value"`.
    func value(of name: String) -> String? {
        guard let start = text.range(of: "\(name)=\"")?.upperBound else { return nil }
        return String(text[start...].prefix { $0 != "\"" })
    }

    /// Both ends of `range=[JobRun.swift:5:9 - line:18:1]`.
    private var range: [Substring] {
        guard let start = text.range(of: "range=[")?.upperBound else { return [] }
        return text[start...].prefix { $0 != "]" }.split(separator: " - ")
    }

    private func number(behind mark: String, in place: Substring?) -> Int {
        guard let place, let start = place.range(of: mark)?.upperBound else { return 0 }
        return Int(place[start...].prefix { $0.isNumber }) ?? 0
    }
}
