public import ArgumentParser
public import ParleyServer

extension LimitSetting: ExpressibleByArgument {
    /// Reads a number from 1 on, or `unlimited`.
    public init?(argument: String) { self.init(argument) }
}
