import Foundation

/// The files of this source tree.
struct SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Paths of the Swift files below these folders, relative to the root, in order.
    static func swiftFiles(in folders: [String] = ["Sources", "Tests"]) throws -> [String] {
        try folders.flatMap { try files(in: $0) }.filter { $0.hasSuffix(".swift") }
    }

    /// Paths of all files below a folder, relative to the root, in order. Files whose names begin with a dot are left out.
    static func files(in folder: String) throws -> [String] {
        let manager = FileManager.default
        var paths: [String] = []
        for name in try manager.contentsOfDirectory(atPath: root.appending(path: folder).path()).sorted() where !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            var isFolder: ObjCBool = false
            _ = manager.fileExists(atPath: root.appending(path: path).path(), isDirectory: &isFolder)
            paths += isFolder.boolValue ? try files(in: path) : [path]
        }
        return paths
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func lines(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path())
    }
}
