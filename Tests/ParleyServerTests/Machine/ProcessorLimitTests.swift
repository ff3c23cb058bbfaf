import Testing

@testable import ParleyServer

@Suite("What this process may have of its machine", .timeLimit(.minutes(5)))
struct ProcessorLimitTests {
    @Test("The limit of a control group is its own, or that of one around it")
    func controlGroups() {
        let groups = "9:name=systemd:/x\n4:cpu,memory:/docker/a:b\n0::/user.slice/parley.service\nno line\n"
        func files(_ groups: String) -> [String] {
            ControlGroup.files(groups, controller: "memory", unified: "memory.max", legacy: "memory.limit_in_bytes")
        }
        #expect(
            files(groups) == [
                "/sys/fs/cgroup/memory/docker/a:b/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "/sys/fs/cgroup/user.slice/parley.service/memory.max",
                "/sys/fs/cgroup/user.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ])
        #expect(files("").isEmpty)
    }

    @Test(
        "A quota is worth so many processors, rounded up",
        arguments: [
            ("max 100000\n", nil), ("100000 100000\n", 1), ("100001 100000", 2), ("50000 100000", 1), ("1 1000000", 1),
            ("250000 100000", 3), ("-1\n", nil), ("150000\n", 2), ("", nil), ("0 100000", nil), ("5 0", nil),
            ("5 -5", nil),
            ("x y", nil), ("\(Int.max) 1", Int.max),
        ] as [(String, Int?)])
    func quota(_ text: String, _ count: Int?) {
        #expect(ProcessorLimit.quota(text) == count)
    }

    @Test(
        "The mask of a process names processors and ranges of them",
        arguments: [
            ("0", 1), ("0-3", 4), ("0-1,4,6-7", 5), ("", nil), ("x", nil), ("3-1", nil), ("-", nil),
            ("0-99999999999", nil),
        ] as [(String, Int?)])
    func mask(_ list: String, _ count: Int?) {
        #expect(ProcessorLimit.maskCount("Name:\tparley\nCpus_allowed:\tf\nCpus_allowed_list:\t\(list)\nx:\n") == count)
        #expect(ProcessorLimit.maskCount("Name:\tparley\n") == nil)
        #expect(ProcessorLimit.maskCount("Cpus_allowed_list:\t\(list)") == nil, "a line that was cut off")
    }

    @Test("There is one at least")
    func least() {
        #expect(ProcessorLimit.count >= 1)
    }
}
