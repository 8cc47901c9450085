//! Pictures from words: the colours the words name, or others drawn from them, as a background
//! with a few shapes. The same words and the same seed always give the same picture.

use crate::{
    engine::{
        picture::{Colour, Mask, Pixels},
        words,
    },
    rng::{Rng, digest, mix},
};

/// Shapes on the background.
const SHAPES: usize = 6;

/// A disc or a box, in shares of the picture's size.
struct Shape {
    colour: Colour,
    x: f32,
    y: f32,
    size: f32,
    round: bool,
}

/// A picture of `prompt`.
pub(crate) fn paint(prompt: &str, seed: u64, width: u32, height: u32) -> Pixels {
    let mut rng = Rng::new(mix(seed) ^ digest(prompt));
    let named: Vec<Colour> = words::compounds(prompt)
        .iter()
        .filter_map(|word| Colour::named(&word.to_lowercase()))
        .collect();
    let mut colour = |n: usize, apart: f32| match named.get(n % named.len().max(1)) {
        Some(named) => named.towards(drawn(&mut rng), apart),
        None => drawn(&mut rng),
    };
    let (top, bottom) = (colour(0, 0.1), colour(1, 0.1));
    // Every other shape is well off the colours that are named, and stands out.
    let apart = |n: usize| if n.is_multiple_of(2) { 0.8 } else { 0.2 };
    let colours: Vec<Colour> = (0..SHAPES).map(|n| colour(n + 1, apart(n))).collect();
    let shapes = colours.into_iter().map(|colour| Shape {
        colour,
        x: rng.fraction() as f32,
        y: rng.fraction() as f32,
        size: 0.05 + 0.15 * rng.fraction() as f32,
        round: rng.fraction() < 0.5,
    });
    let shapes: Vec<Shape> = shapes.collect();
    let longer = width.max(height).max(1) as f32;
    Pixels::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let inside = |shape: &&Shape| {
            let across = (x - shape.x * width as f32).abs() / longer;
            let down = (y - shape.y * height as f32).abs() / longer;
            if shape.round {
                across.hypot(down) < shape.size
            } else {
                across.max(down) < shape.size
            }
        };
        match shapes.iter().rev().find(inside) {
            Some(shape) => shape.colour,
            None => top.towards(bottom, y / height as f32),
        }
    })
}

/// `base` with what `prompt` asks for painted where the mask is set.
pub(crate) fn repaint(base: &Pixels, mask: &Mask, prompt: &str, seed: u64) -> Pixels {
    let painted = paint(prompt, seed, base.width(), base.height());
    Pixels::from_fn(base.width(), base.height(), |x, y| {
        if mask.is_set(x, y) {
            painted.at(x, y)
        } else {
            base.at(x, y)
        }
    })
}

fn drawn(rng: &mut Rng) -> Colour {
    let [red, green, blue, ..] = rng.next_u64().to_le_bytes();
    Colour { red, green, blue }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_and_seed_give_the_same_picture() {
        let picture = paint("a red fox", 1, 40, 30);
        assert_eq!((picture.width(), picture.height()), (40, 30));
        assert_eq!(picture, paint("a red fox", 1, 40, 30));
        assert_ne!(picture, paint("a red fox", 2, 40, 30));
        assert_ne!(picture, paint("a red box", 1, 40, 30));
    }

    #[test]
    fn named_colours_are_seen() {
        let green = paint("a Green meadow", 3, 32, 32);
        let seen = green.pixels().filter(|colour| colour.name() == "green");
        assert!(seen.count() > 512);
    }

    #[test]
    fn repainting_leaves_the_rest_alone() {
        let base = Pixels::from_fn(10, 10, |_, _| Colour::WHITE);
        let mask = Mask::from_fn(10, 10, |x, _| x < 5);
        let out = repaint(&base, &mask, "black", 0);
        assert_eq!(out.at(9, 3), Colour::WHITE);
        assert_ne!(out.at(0, 3), Colour::WHITE);
    }
}
