import Channels

extension Run {
    /// The bugs that can be planted; none in a build without them.
    public static var plantedBugs: [String] {
        #if PLANTED_BUGS
        PlantedBug.allCases.map(\.rawValue)
        #else
        []
        #endif
    }

    /// Plants a bug in all runs from now on; `false` when there is none of that name.
    public static func plant(_ name: String) -> Bool {
        #if PLANTED_BUGS
        guard let bug = PlantedBug(rawValue: name) else { return false }
        PlantedBug.current = bug
        return true
        #else
        false
        #endif
    }

    /// Without a planted bug from now on.
    public static func unplant() {
        #if PLANTED_BUGS
        PlantedBug.current = nil
        #endif
    }
}
