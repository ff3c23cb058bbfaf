/// The control groups that a process is in: a container's, a unit's, and those around them (cgroups(7)).
enum ControlGroup {
    /// The files in which a controller may name a limit of the process's group, or of one around it; the last of each
    /// hierarchy is the root, which is the container's own in a container.
    ///
    /// - Parameters:
    ///   - groups: `/proc/self/cgroup`, a line for each hierarchy: `ID:CONTROLLERS:PATH`.
    ///   - controller: its name in the hierarchies of version 1.
    ///   - unified: the file's name in version 2.
    ///   - legacy: the same in version 1.
    static func files(_ groups: String, controller: String, unified: String, legacy: String) -> [String] {
        groups.split(separator: "\n").flatMap { line -> [String] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let mount: String
            let file: String
            if fields[0] == "0", fields[1].isEmpty {
                (mount, file) = ("/sys/fs/cgroup", unified)
            } else if fields[1].split(separator: ",").contains(Substring(controller)) {
                (mount, file) = ("/sys/fs/cgroup/\(controller)", legacy)
            } else {
                return []
            }
            let names = fields[2].split(separator: "/")
            return (0...names.count).reversed().map { count in
                ([mount] + names.prefix(count).map { String($0) } + [file]).joined(separator: "/")
            }
        }
    }
}
