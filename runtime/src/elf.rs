//! What the host's own ELF headers tell: where the host ends in its file, and its build id.

use core::mem::size_of;

pub const BUILD_ID_LENGTH: usize = 20;
/// SHA-1 of the linked host, from its note.
pub type BuildId = [u8; BUILD_ID_LENGTH];

const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;

unsafe extern "C" {
    /// Put there by the linker: the ELF header as it is in memory.
    #[link_name = "__ehdr_start"]
    static HEADER: libc::Elf64_Ehdr;
}

/// How much of the file is the host: section headers are the last of it.
pub fn file_length() -> u64 {
    // SAFETY: the header is mapped with the first segment and never written.
    let header = unsafe { &*(&raw const HEADER) };
    header.e_shoff + u64::from(header.e_shentsize) * u64::from(header.e_shnum)
}

/// The build id; zeros if the linker wrote none.
pub fn build_id() -> BuildId {
    let start = &raw const HEADER;
    // SAFETY: program headers and notes lie in the first segment, which is mapped and never written.
    unsafe {
        let headers = start.byte_add((*start).e_phoff as usize).cast::<libc::Elf64_Phdr>();
        let headers = core::slice::from_raw_parts(headers, (*start).e_phnum.into());
        headers
            .iter()
            .filter(|header| header.p_type == PT_NOTE)
            .map(|header| (start.byte_add(header.p_offset as usize).cast::<u8>(), header.p_filesz))
            .find_map(|(note, length)| find(core::slice::from_raw_parts(note, length as usize)))
            .unwrap_or_default()
    }
}

/// Walks notes: name length, content length, kind, name and content, each padded to 4.
fn find(mut notes: &[u8]) -> Option<BuildId> {
    const HEAD: usize = 3 * size_of::<u32>();
    while let Some((head, rest)) = notes.split_at_checked(HEAD) {
        let word =
            |index: usize| head[index * 4..][..4].try_into().map(u32::from_ne_bytes).unwrap_or(0);
        let name = (word(0) as usize).next_multiple_of(4);
        let content = rest.get(name..)?;
        if word(2) == NT_GNU_BUILD_ID && rest.starts_with(b"GNU\0") {
            return content.get(..BUILD_ID_LENGTH)?.try_into().ok();
        }
        notes = content.get((word(1) as usize).next_multiple_of(4)..)?;
    }
    None
}
