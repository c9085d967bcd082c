import Crypto
import Foundation
import Mustache
import Observability

/// The pages for people: the status page on `/`, and the sections of the runbook to which it leads.
///
/// The status page is rendered at most once a second, however often it is asked for.
actor StatusPages: PageSource {
    /// From one reading of the page to the next.
    static let refreshSeconds = 10
    private static let lifetime = Duration.seconds(1)

    private let status: MustacheTemplate
    private let section: MustacheTemplate
    private let runbook: Runbook
    private let host: String
    private let snapshot: @Sendable () -> StatusSnapshot
    private let now: @Sendable () -> ContinuousClock.Instant
    private var last: (html: String, at: ContinuousClock.Instant)?

    /// - Parameters:
    ///   - host: the name of this machine.
    ///   - snapshot: the state now. It must not block.
    /// - Throws: an error of the library if a template cannot be read; the templates are part of the program.
    init(
        runbook: Runbook, host: String, snapshot: @escaping @Sendable () -> StatusSnapshot,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) throws {
        MustacheContentTypes.register(EscapedHTML(), named: EscapedHTML.name)
        status = try MustacheTemplate(string: StatusPageTemplate.page)
        section = try MustacheTemplate(string: StatusPageTemplate.runbook)
        self.runbook = runbook
        self.host = host
        self.snapshot = snapshot
        self.now = now
    }

    func statusPage(isStill: Bool) -> Page {
        let now = now()
        if last.map({ now - $0.at >= Self.lifetime }) ?? true {
            last = (status.render(StatusPageView(snapshot(), host: host)), now)
        }
        return Page(html: last?.html ?? "", styleHash: Self.styleHash, refreshSeconds: isStill ? nil : Self.refreshSeconds)
    }

    func runbookPage(_ slug: String) -> Page? {
        let found = runbook.sections.first { $0.slug == slug }
        guard found != nil || runbook.sections.isEmpty else { return nil }
        let view = RunbookView(found, runbook: runbook)
        return Page(html: section.render(view), styleHash: Self.styleHash, refreshSeconds: nil)
    }

    private static let styleHash = HTMLStyle.hash(of: StatusPageTemplate.style)
}

/// What the page of one section of the runbook shows.
private struct RunbookView {
    struct Link {
        let slug: String
        let name: String
    }

    let style = StatusPageTemplate.style
    let title: String
    let origin: String
    let text: String
    let hasText: Bool
    let sections: [Link]

    /// - Parameter section: `nil` if the runbook could not be read.
    init(_ section: Runbook.Section?, runbook: Runbook) {
        title = section?.title ?? "The runbook is not here"
        origin = runbook.problem ?? "From \(runbook.path)"
        text = section?.text ?? ""
        hasText = section != nil
        sections = runbook.sections.map { Link(slug: $0.slug, name: $0.title) }
    }
}

/// The hash by which a Content-Security-Policy allows one style.
enum HTMLStyle {
    /// - Returns: `sha256-` and the hash of the style in Base64 (Content Security Policy Level 3, section 2.3.1).
    static func hash(of style: String) -> String { "sha256-\(Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString())" }
}
