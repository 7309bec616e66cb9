//! The operating system's random generator, as the service uses it.

use aws_lc_rs::rand;
use domain::random::Random;

/// Unpredictable bytes from aws-lc's generator, which the operating system seeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        // Zeros in place of random bytes would be a valid-looking, guessable token, so a generator
        // that fails must end the request: the panic is caught by the task's supervisor.
        #[expect(
            clippy::expect_used,
            reason = "aws-lc's generator cannot fail once it is seeded"
        )]
        rand::fill(buffer).expect("the system's random generator failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ() {
        let (mut one, mut two) = ([0_u8; 32], [0_u8; 32]);
        SystemRandom.fill(&mut one);
        SystemRandom.fill(&mut two);
        assert_ne!(one, two);
    }
}
