//! Changes of whole lines. All inputs consist of lines, and bytes alone seldom make one text that means something of another.

/// How many lines are changed together, at most.
const MAX_LINES: usize = 4;

/// What a step of a level is in most rule files.
const INDENT: &[u8] = b"  ";

/// Changes the input, which is the first `size` bytes of `data`, and gives its new size: every other time by lines, else
/// by bytes as the engine does it.
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    by_bytes: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut chance = Chance(seed);
    if chance.below(2) == 0 {
        return by_bytes(data, size, max_size);
    }
    let changed = changed(&data[..size], &mut chance);
    let size = changed.len().min(max_size);
    data[..size].copy_from_slice(&changed[..size]);
    size
}

fn changed(input: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=chance.below(3) {
        change(&mut lines, chance);
    }
    lines.join(&b'\n')
}

fn change(lines: &mut Vec<Vec<u8>>, chance: &mut Chance) {
    let start = chance.below(lines.len());
    let end = start + 1 + chance.below((lines.len() - start).min(MAX_LINES));
    match chance.below(4) {
        0 => {
            let copy = lines[start..end].to_vec();
            let at = chance.below(lines.len() + 1);
            lines.splice(at..at, copy);
        }
        1 if end - start < lines.len() => drop(lines.drain(start..end)),
        2 => lines[start..end].iter_mut().for_each(|line| drop(line.splice(..0, INDENT.iter().copied()))),
        _ => lines[start..end].iter_mut().filter(|line| line.starts_with(INDENT)).for_each(|line| {
            line.drain(..INDENT.len());
        }),
    }
}

/// Numbers that follow from a seed, so that the engine can do again what it did.
struct Chance(u32);

impl Chance {
    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % end
    }
}
