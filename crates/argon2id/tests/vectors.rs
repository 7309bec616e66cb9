//! The vectors of RFC 9106 and of the reference implementation, on every kernel of this machine.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says what it expects, and its own texts are as long as they are"
)]

use argon2id::{Input, Kernel, Memory, Parameters, Refused};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let pairs = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]);
    pairs
        .map(|byte| u8::try_from(byte).expect("two digits"))
        .collect()
}

fn judge(parameters: (u32, u32, u32), input: Input<'_>, expected: &str) {
    let (memory_kib, passes, lanes) = parameters;
    let parameters = Parameters::new(memory_kib, passes, lanes).expect("allowed");
    let expected = bytes(expected);
    for kernel in Kernel::all() {
        let (mut memory, mut tag) = (Memory::default(), vec![0; expected.len()]);
        kernel
            .hash(parameters, input, &mut memory, &mut tag)
            .expect("hashes");
        assert_eq!(tag, expected, "{} {parameters:?}", kernel.name());
    }
}

/// RFC 9106 §5.3, with a secret, associated data and four lanes.
#[test]
fn the_vector_of_rfc_9106() {
    let input = Input::new(&[1; 32], &[2; 16]).expect("allowed");
    let input = input.with(&[3; 8], &[4; 12]).expect("allowed");
    judge(
        (32, 3, 4),
        input,
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
    );
}

/// `src/test.c` of the reference implementation, those of version 0x13.
#[test]
fn the_vectors_of_the_reference_implementation() {
    for (parameters, password, salt, expected) in [
        (
            (65_536, 2, 1),
            "password",
            "somesalt",
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7",
        ),
        (
            (262_144, 2, 1),
            "password",
            "somesalt",
            "78fe1ec91fb3aa5657d72e710854e4c3d9b9198c742f9616c2f085bed95b2e8c",
        ),
        (
            (256, 2, 1),
            "password",
            "somesalt",
            "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
        ),
        (
            (256, 2, 2),
            "password",
            "somesalt",
            "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037",
        ),
        (
            (65_536, 1, 1),
            "password",
            "somesalt",
            "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98",
        ),
        (
            (65_536, 4, 1),
            "password",
            "somesalt",
            "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c",
        ),
        (
            (65_536, 2, 1),
            "differentpassword",
            "somesalt",
            "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde",
        ),
        (
            (65_536, 2, 1),
            "password",
            "diffsalt",
            "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c",
        ),
    ] {
        let input = Input::new(password.as_bytes(), salt.as_bytes()).expect("allowed");
        judge(parameters, input, expected);
    }
}

#[test]
fn what_argon2id_does_not_allow_is_refused() {
    let refused = |input: Result<Input<'_>, Refused>| input.err() == Some(Refused::Outside);
    assert!(refused(Input::new(b"password", b"seven77")));
    let input = Input::new(b"", b"somesalt").expect("an empty password is allowed");
    assert!(refused(input.with(b"", &[0; 33])));
    let parameters = Parameters::new(8, 1, 1).expect("allowed");
    for kernel in Kernel::all() {
        let short = kernel.hash(parameters, input, &mut Memory::default(), &mut [0; 3]);
        assert_eq!(short, Err(Refused::Outside), "{}", kernel.name());
    }
}
