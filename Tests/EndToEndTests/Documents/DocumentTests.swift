import BrokerKit
import ExactJSON
import Foundation
import JobModel
import Testing

extension EndToEnd {
    /// The documents agree with the programs.
    @Suite struct DocumentedPrograms {
        @Test("the table of keys in configuration.md is the one that the worker prints")
        func configurationTableIsPrintedTable() async throws {
            let text = try Documents.text("deploy/docs/configuration.md")
            try await System.run { system in
                let worker = try system.startWorker(arguments: ["--print-configuration-keys"], log: "keys.log")
                #expect(await worker.exitCode() == 0)
                let table = worker.output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(table.hasPrefix("| key |"))
                let isThere = text.contains("\n\(table)\n")
                #expect(isThere, "put the output of bos-worker --print-configuration-keys into deploy/docs/configuration.md")
            }
        }

        @Test("the Swift example of publishing.md is compiled and gets the reply to its job")
        func swiftExampleGetsItsReply() async throws {
            let source = try Documents.text("Tests/EndToEndTests/Documents/PublishingSnippet.swift")
            let text = try Documents.text("deploy/docs/publishing.md")
            #expect(text.contains("```swift\n\(source)```\n"), "put PublishingSnippet.swift into deploy/docs/publishing.md")
            try await System.run { system in
                let worker = try await system.startReadyWorker()
                let job = JSONValue.object([
                    .init("operator", .number("311")), .init("canumber", .string(System.subscriber)), .init("amount", .number("10")),
                    .init("referenceid", .string("readme")),
                ])
                let reply = try await recharge(
                    job, reference: "readme", broker: system.broker.url, jobs: system.names.jobs, replies: system.names.replies,
                    queue: "\(system.names.prefix).readme")
                #expect(reply?["outcome"] == .string("succeeded"))
                #expect(await system.stop(worker) == 0)
            }
        }

        @Test("publishing.md explains every outcome, error code, evidence and reason of a dead letter")
        func everyCodeIsExplained() throws {
            let lines = Document(try Documents.text("deploy/docs/publishing.md")).lines
            let rows = lines.filter { $0.hasPrefix("| `") }
            for code in ReplyErrorCode.allCases.map(\.rawValue) + Outcome.allCases.map(\.rawValue) {
                #expect(rows.contains { $0.split(separator: "|")[0].contains("`\(code)`") }, "\(code)")
            }
            let evidence = try #require(rows.first { $0.hasPrefix("| `evidence` |") })
            for name in Evidence.allCases { #expect(evidence.contains("`\(name.rawValue)`"), "\(name)") }
            let reasons = try #require(rows.first { $0.hasPrefix("| `x-bos-reason` |") })
            for reason in DeadLetterReason.allCases { #expect(reasons.contains("`\(reason.rawValue)`"), "\(reason)") }
        }
    }

    /// Every link and every citation leads to a place that exists.
    @Suite struct DocumentLinks {
        @Test("every link leads to a file and a section that exist")
        func linksLeadSomewhere() throws {
            var count = 0
            for path in try Documents.paths() {
                let document = Document(try Documents.text(path))
                let folder = Documents.root.appendingPathComponent(path).deletingLastPathComponent()
                for link in document.links {
                    count += 1
                    let target = link.path.isEmpty ? path : folder.appendingPathComponent(link.path).standardizedFileURL.path
                    try Self.expect(link.section, inFile: target, citedIn: "\(path): \(link)")
                }
            }
            #expect(count > 50)
        }

        @Test("every path of the source tree that a document names exists")
        func namedPathsExist() throws {
            for path in try Documents.paths() {
                for name in Document(try Documents.text(path)).namedPaths { #expect(Documents.exists(name), "\(path) names \(name)") }
            }
        }

        @Test("every document that code, scripts, units or alerts cite exists, with the section")
        func citedDocumentsExist() throws {
            var count = 0
            for file in try Self.citingFiles() {
                for line in try Documents.text(file).split(separator: "\n") where line.contains(".md") {
                    for match in line.matches(of: /([\w.\/-]*\w\.md)(?:#([a-z0-9-]+))?/) {
                        count += 1
                        try Self.expect(
                            match.2.map { String($0) }, inFile: Documents.path(cited: String(match.1)), citedIn: "\(file): \(match.0)")
                    }
                }
            }
            #expect(count > 50)
        }

        @Test("every alert names its own section of the installed operating.md")
        func alertsNameTheirSection() throws {
            let sections = Document(try Documents.text("deploy/docs/operating.md")).sections()
            let rules = try Documents.text("deploy/alerts.yml").split(separator: "- alert: ").dropFirst()
            #expect(rules.count >= 12)
            for rule in rules {
                let section = rule.prefix { $0.isLetter }.lowercased()
                #expect(rule.contains("runbook: '\(Documents.installed)operating.md#\(section)'\n"), "\(section)")
                #expect(sections.contains(section), "\(section)")
            }
        }

        @Test("every section of a document is in its table of contents, and README.md has at most 130 lines")
        func contentsAreComplete() throws {
            for path in try Documents.paths() where path != "README.md" {
                let document = Document(try Documents.text(path))
                let linked = Set(document.links.filter(\.path.isEmpty).compactMap(\.section))
                let sections = document.sections(atMost: 2).dropFirst()
                #expect(!sections.isEmpty, "\(path)")
                for section in sections { #expect(linked.contains(section), "\(path) does not list \(section)") }
            }
            #expect(try Documents.text("README.md").split(separator: "\n", omittingEmptySubsequences: false).count <= 131)
        }

        @Test("the installed documents link to each other and to nothing else on the machine")
        func installedLinksStayInTheFolder() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bos-documents-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: folder) }
            let script = "\(Documents.root.path)/deploy/lib/common"
            let install = Process()
            install.executableURL = URL(fileURLWithPath: "/bin/bash")
            install.arguments = ["-c", ". \"$1\"; install_documents \"$2\"", "documents", script, folder.path]
            try install.run()
            install.waitUntilExit()
            #expect(install.terminationStatus == 0)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            let sources = try Documents.paths().filter { $0 == "README.md" || $0.hasPrefix(Documents.folder) }
            #expect(names.sorted() == sources.map { $0.replacing("\(Documents.folder)/", with: "") }.sorted())
            for name in names {
                for link in Document(try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)).links {
                    let target = link.path.isEmpty ? name : link.path
                    #expect(names.contains(target), "\(name): \(link)")
                    try Self.expect(link.section, inFile: folder.appendingPathComponent(target).path, citedIn: "\(name): \(link)")
                }
            }
        }

        /// Records an issue if the file, or this section of it, does not exist.
        /// - Parameter file: the path from the root of the source tree, or an absolute path.
        private static func expect(_ section: String?, inFile file: String, citedIn place: String) throws {
            let url = file.hasPrefix("/") ? URL(fileURLWithPath: file) : Documents.root.appendingPathComponent(file)
            guard FileManager.default.fileExists(atPath: url.path) else {
                Issue.record("there is no such file: \(place)")
                return
            }
            guard let section else { return }
            let sections = Document(try String(contentsOf: url, encoding: .utf8)).sections()
            #expect(sections.contains(section), "there is no such section: \(place)")
        }

        /// Every text file of the source tree that is not a document.
        private static func citingFiles() throws -> [String] {
            var files = ["Package.swift", ".ci/run"]
            for folder in ["Sources", "Tests", "deploy", "systemd"] {
                let names = try FileManager.default.subpathsOfDirectory(atPath: Documents.root.appendingPathComponent(folder).path)
                files += names.map { "\(folder)/\($0)" }
            }
            return files.filter { file in
                var isFolder: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: Documents.root.appendingPathComponent(file).path, isDirectory: &isFolder)
                return !isFolder.boolValue && !file.hasSuffix(".md") && (try? Documents.text(file)) != nil
            }
        }
    }
}
