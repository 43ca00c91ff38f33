//! Text for a terminal: laid out in columns, and free of what a plugin's words could do to a screen.

use std::io::{self, Write};

/// Columns of a line: as many as fit beside something else.
const WIDTH: usize = 100;

/// A plugin's words on one line: control characters could move the cursor or forge another line.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Writes `text` behind `label`, in lines that begin below each other in the column `at`.
pub fn wrapped(out: &mut impl Write, label: &str, at: usize, text: &str) -> io::Result<()> {
    let mut line = format!("{label:at$}");
    let mut columns = line.chars().count();
    // A label that reaches into the column needs a space as much as a word does.
    let mut glue = if columns > at { " " } else { "" };
    for word in text.split_whitespace() {
        let word = clean(word);
        let wide = word.chars().count();
        // A word that is longer than a line, such as a path, stays whole.
        if columns > at && columns + glue.len() + wide > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(at);
            columns = at;
            glue = "";
        }
        line.push_str(glue);
        line.push_str(&word);
        columns += glue.len() + wide;
        glue = " ";
    }
    writeln!(out, "{}", line.trim_end())
}

/// Bytes in the largest unit that leaves a number above one.
pub fn bytes(count: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // a tenth is all that is shown
    let number = count as f64;
    match count {
        0..1024 => format!("{count} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", number / 1024.0),
        _ => format!("{:.1} MiB", number / 1_048_576.0),
    }
}

/// A time in milliseconds, or in seconds where there are many.
pub fn time(time: std::time::Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn laid_out(label: &str, text: &str) -> Vec<String> {
        let mut out = vec![];
        wrapped(&mut out, label, 10, text).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn long_text_is_wrapped_below_itself_and_no_word_is_lost() {
        let words = "word ".repeat(50);
        let lines = laid_out("error", &words);
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
        assert!(lines[0].starts_with("error     word") && lines[1].starts_with("          word"));
        assert_eq!(lines.join(" ").matches("word").count(), 50);
        let path = "x".repeat(300);
        assert_eq!(laid_out("file", &path), [format!("file      {path}")]);
        assert_eq!(laid_out("a label that is longer", "a"), ["a label that is longer a"]);
    }

    #[test]
    fn a_plugins_words_cannot_steer_the_terminal() {
        assert_eq!(laid_out("says", "a\u{1b}[2J\nb\u{9b}c"), ["says      a\u{fffd}[2J b\u{fffd}c"]);
    }

    #[test]
    fn sizes_and_times_are_read_at_a_glance() {
        assert_eq!((bytes(1023), bytes(1536)), ("1023 bytes".to_owned(), "1.5 KiB".to_owned()));
        assert_eq!(bytes(512 << 20), "512.0 MiB");
        assert_eq!(time(std::time::Duration::from_micros(1500)), "1.5 ms");
        assert_eq!(time(std::time::Duration::from_secs(30)), "30.0 s");
    }
}
