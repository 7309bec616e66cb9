//! The reference implementation (phc-winner-argon2, `opt.c`), as the crate `argon2-sys` brings it.

#![expect(unsafe_code, reason = "functions in C")]

use std::cell::RefCell;
use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering};

use memmap2::{Advice, MmapMut, MmapOptions};

use crate::{MEMORY_KIB, PASSES, PASSWORD, SALT, TAG_BYTES};

const HUGE_PAGE: usize = 2 << 20;

thread_local! {
    static KEPT: RefCell<Option<MmapMut>> = const { RefCell::new(None) };
}

unsafe extern "C" {
    /// Whether a hash wipes its memory in the end; an `int` of the reference.
    #[link_name = "FLAG_clear_internal_memory"]
    static WIPES: AtomicI32;
}

/// As a program calls it.
pub(crate) fn as_it_is(often: usize) -> [u8; TAG_BYTES] {
    hash(often, 1, None, None)
}

/// In memory that its thread keeps, and that is not wiped.
pub(crate) fn memory_kept(often: usize) -> [u8; TAG_BYTES] {
    hash(often, 0, Some(lend), Some(take_back))
}

fn hash(
    often: usize,
    wipes: c_int,
    allocate_cbk: argon2_sys::allocate_fptr,
    free_cbk: argon2_sys::deallocate_fptr,
) -> [u8; TAG_BYTES] {
    // SAFETY: an `int` that lives as long as the program; all threads write the same at one time.
    unsafe { WIPES.store(wipes, Ordering::Relaxed) };
    let (mut tag, mut password, mut salt) = ([0_u8; TAG_BYTES], PASSWORD.to_vec(), SALT.to_vec());
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("short");
    let mut context = argon2_sys::Argon2_Context {
        outlen: length(&tag),
        out: tag.as_mut_ptr(),
        pwdlen: length(&password),
        pwd: password.as_mut_ptr(),
        saltlen: length(&salt),
        salt: salt.as_mut_ptr(),
        secret: null_mut(),
        secretlen: 0,
        ad: null_mut(),
        adlen: 0,
        t_cost: PASSES,
        m_cost: MEMORY_KIB,
        lanes: 1,
        threads: 1,
        version: argon2_sys::ARGON2_VERSION_13,
        allocate_cbk,
        free_cbk,
        flags: argon2_sys::ARGON2_DEFAULT_FLAGS,
    };
    for _ in 0..often {
        // SAFETY: every pointer in the context has the length of what it points to beside it.
        let status = unsafe { argon2_sys::argon2id_ctx(&raw mut context) };
        assert_eq!(status, argon2_sys::ARGON2_OK);
    }
    tag
}

/// Lends this thread's memory: mapped once, on huge pages where the system gives them.
unsafe extern "C" fn lend(memory: *mut *mut u8, bytes: usize) -> c_int {
    KEPT.with_borrow_mut(|kept| {
        let kept = kept.get_or_insert_with(|| {
            let map = MmapOptions::new().len(bytes + HUGE_PAGE).map_anon();
            let map = map.expect("memory");
            let start = map.as_ptr().align_offset(HUGE_PAGE);
            // Not getting them is no reason not to measure.
            let _ = map.advise_range(Advice::HugePage, start, bytes);
            map
        });
        let start = kept.as_ptr().align_offset(HUGE_PAGE);
        // SAFETY: `start` is less than the huge page by which the map is longer; the reference gives
        // a place for the address.
        unsafe { *memory = kept.as_mut_ptr().add(start) };
    });
    0
}

/// Keeps it for the next hash.
unsafe extern "C" fn take_back(_: *mut u8, _: usize) {}
