/// Makes the pages for people. The HTTP endpoints call it.
package protocol PageSource: Sendable {
    /// The page on `/`.
    /// - Parameter isStill: the browser does not read it again by itself.
    func statusPage(isStill: Bool) async -> Page

    /// One section of the runbook; `nil` if there is none of that name.
    /// - Parameter slug: the section's name in a link, as it came in the request.
    func runbookPage(_ slug: String) async -> Page?
}

/// One HTML page. It holds no script, and one style.
package struct Page: Sendable, Equatable {
    package let html: String
    /// The hash of the style, as a Content-Security-Policy names it: `sha256-` and Base64.
    package let styleHash: String
    /// After how many seconds the browser reads it again; `nil`: not by itself.
    package let refreshSeconds: Int?

    package init(html: String, styleHash: String, refreshSeconds: Int?) {
        self.html = html
        self.styleHash = styleHash
        self.refreshSeconds = refreshSeconds
    }
}
