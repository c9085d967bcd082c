/// How answers look. Source: bos-api.md#what-clients-show.
package enum ReplyShape: String, Sendable, CaseIterable {
    /// As the provider's own clients show them ("What public clients … show").
    case real
    /// As the provider's public page shows them.
    case page
    /// As those of the provider whose API it resells: HTTP 202 and code 0 for "accepted", `data.status` a number, code 12 for "unknown".
    case upstream
}

/// Which names of a recharge an enquiry understands.
package enum EnquiryNames: String, Sendable, CaseIterable {
    /// The caller's, `referenceid`.
    case referenceid
    /// BOS's own number, the `refid` of `DoRecharge`'s answer.
    case refid
    case both
}
