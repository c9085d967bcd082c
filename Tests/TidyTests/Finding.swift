/// One place that breaks a rule of the house.
struct Finding: Hashable, CustomStringConvertible {
    var path: String
    var line: Int?
    var detail: String

    init(_ path: String, line: Int? = nil, detail: String) {
        self.path = path
        self.line = line
        self.detail = detail
    }

    var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(detail)" }
}
