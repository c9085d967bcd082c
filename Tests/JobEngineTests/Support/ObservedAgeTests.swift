import JobEngine
import JobModel
import LedgerKit
import Testing

@Suite("The age of a stored moment", .timeLimit(.minutes(1)))
struct ObservedAgeTests {
    @Test("is that of the civil clock while that is right, and none for what has not come yet")
    func civil() {
        var age = ObservedAge()
        #expect(age.age(of: nil, at: Sample.start, .zero, mayBeAhead: true) == .zero)
        #expect(age.age(of: Sample.moment(60), at: Sample.start, .zero, mayBeAhead: true) == .zero)
        #expect(age.age(of: Sample.moment(60), at: Sample.moment(50), .seconds(50), mayBeAhead: true) == .zero)
        #expect(age.age(of: Sample.moment(60), at: Sample.moment(90), .seconds(90), mayBeAhead: true) == .seconds(30))
    }

    @Test("goes on to grow after the clock was set back, from when the moment was seen first or should have come")
    func setBack() {
        var doubt = ObservedAge()
        #expect(doubt.age(of: Sample.moment(19_800), at: Sample.start, .zero, mayBeAhead: false) == .zero)
        #expect(doubt.age(of: Sample.moment(19_800), at: Sample.moment(600), .seconds(600), mayBeAhead: false) == .seconds(600))
        var due = ObservedAge()
        #expect(due.age(of: Sample.moment(30), at: Sample.start, .zero, mayBeAhead: true) == .zero)
        #expect(due.age(of: Sample.moment(30), at: Sample.moment(-20_000), .seconds(630), mayBeAhead: true) == .seconds(600))
        #expect(due.age(of: Sample.moment(-19_000), at: Sample.moment(-20_000), .seconds(630), mayBeAhead: true) == .zero)
    }
}
