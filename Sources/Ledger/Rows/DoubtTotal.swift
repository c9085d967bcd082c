package import JobModel

/// How many recharges may have been executed, and the money that they are about.
package struct DoubtTotal: Sendable, Equatable {
    package var count: Int
    package var amount: Money

    package init(count: Int = 0, amount: Money = Money(paise: 0)) {
        self.count = count
        self.amount = amount
    }
}
