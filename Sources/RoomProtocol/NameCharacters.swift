/// Which characters of a name people see, and which change how they see the rest.
enum NameCharacters {
    /// Whether a character of UTF-8 turns the direction of the text around it: U+061C, U+200E, U+200F, U+202A to U+202E
    /// and U+2066 to U+2069 (`Bidi_Control`, UAX #9). With one of them a name looks like another, and reorders what stands
    /// behind it.
    static func turnText(in text: ArraySlice<UInt8>) -> Bool {
        String(decoding: text, as: UTF8.self).unicodeScalars.contains {
            switch $0.value {
            case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
    }

    /// Whether there is a character in a name, which is UTF-8, that people see: no space, control or format character,
    /// and none that is invisible by default (`Default_Ignorable_Code_Point`, UAX #44).
    static func areVisible(in name: [UInt8]) -> Bool {
        String(decoding: name, as: UTF8.self).unicodeScalars.contains(where: isVisible)
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator: false
        // U+2800, the Braille pattern without dots, is a symbol.
        default: !scalar.properties.isDefaultIgnorableCodePoint && scalar.value != 0x2800
        }
    }
}
