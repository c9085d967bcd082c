import Foundation
import GRDB
import JobModel
import Ledger
import LedgerKit
import LedgerSQLite

extension LedgerKeeper {
    /// Runs `body` with a new keeper.
    static func using<Value>(_ body: (LedgerKeeper) async throws -> Value) async throws -> Value {
        let keeper = try LedgerKeeper()
        defer { keeper.stop() }
        return try await body(keeper)
    }
}

extension TemporaryLedger {
    static let author = "asha at host"
    static let copiedAt = Sample.moment(500)
    static let restoring = OperatorAction(
        at: Sample.moment(1_000), user: "asha", host: "host", command: "ledger restore", reason: "the disk is lost")

    var copy: String { folder + "/copies/copy.sqlite" }

    /// Copies the ledger to ``copy``.
    @discardableResult
    func makeCopy() async throws -> LedgerKeeper.Overview {
        try FileManager.default.createDirectory(atPath: folder + "/copies", withIntermediateDirectories: true)
        return try await LedgerKeeper.using { try await $0.copy(path, to: copy, author: Self.author, at: Self.copiedAt) }
    }

    /// Removes the ledger and the files beside it, as the loss of a disk does.
    func lose() throws {
        for suffix in ["", "-wal", "-shm", ".lock"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    /// Makes a ledger of the copy.
    func restore(destinations: [String] = [], takesUnmarked: Bool = false) async throws {
        let restoring = Restoring(Self.restoring, destinations: destinations, takesUnmarked: takesUnmarked)
        try await LedgerKeeper.using { try await $0.restore(copy, to: path, as: restoring) }
    }

    /// What a thorough check of a ledger or a copy finds.
    static func problems(in path: String) async throws -> [LedgerCheck.Name: [String]] {
        let checks = try await LedgerKeeper.using { try await $0.verify(path) }
        return Dictionary(uniqueKeysWithValues: checks.filter { !$0.problems.isEmpty }.map { ($0.name, $0.problems) })
    }

    /// Changes the file behind the programs' back.
    func change(_ sql: String) throws {
        try otherConnection().inDatabase { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(sql)") }
    }
}
