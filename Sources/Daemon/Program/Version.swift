/// The version of the programs of this package, set with each release.
package enum Version {
    package static let current = "0.2.0"
}
