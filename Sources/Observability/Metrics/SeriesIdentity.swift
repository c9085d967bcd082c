/// The name and the label values of a metric, both valid in the text format.
struct SeriesIdentity: Hashable {
    let name: String
    /// The labels as they stand between the braces, sorted by name: `kind="recharge",outcome="failed"`.
    let labels: String

    init(name: String, dimensions: [(String, String)]) {
        self.name = Self.legalName(name)
        labels =
            dimensions
            .sorted { $0.0 < $1.0 }
            .map { "\(Self.legalName($0.0))=\"\(Self.escaped($0.1))\"" }
            .joined(separator: ",")
    }

    /// The part of a sample line before its value.
    func sampleHead(suffix: String = "", bound: String? = nil) -> String {
        var parts = labels.isEmpty ? [] : [labels]
        if let bound { parts.append("le=\"\(bound)\"") }
        return parts.isEmpty ? "\(name)\(suffix) " : "\(name)\(suffix){\(parts.joined(separator: ","))} "
    }

    /// The name with underscores for all characters but letters, digits and underscores. A library may use other characters in the names of
    /// its metrics, and one invalid name makes Prometheus reject the whole page.
    private static func legalName(_ name: String) -> String {
        let legal = name.unicodeScalars.map { scalar -> Character in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
            default: "_"
            }
        }
        return legal.first.map { $0.isNumber ? "_" + String(legal) : String(legal) } ?? "_"
    }

    private static func escaped(_ value: String) -> String {
        value.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
