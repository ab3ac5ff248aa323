//! A program: maximise an objective over columns within bounds, under rows. Plain data, of no solver.

use super::Failure;

/// The largest number that a program may hold. Beyond it the solvers' tolerances mean nothing, and microlp may overflow.
const LARGEST: f64 = 1e9;
/// The smallest coefficient that is not taken for a zero.
const SMALLEST: f64 = 1e-9;

/// A column, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnId(pub u32);

/// A row, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowId(pub u32);

/// Which values a column may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers.
    Integer,
    /// All numbers.
    Real,
}

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// What one unit is worth.
    pub objective: f64,
    /// Lower bound; may be infinite where the column is real.
    pub lower: f64,
    /// Upper bound; may be infinite where the column is real.
    pub upper: f64,
    /// Whole numbers or all.
    pub kind: Kind,
}

/// A condition: the sum of the row's terms lies within these bounds, one of which may be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
}

impl Row {
    /// Whether both bounds are the same number.
    #[allow(
        clippy::float_cmp,
        reason = "bounds are given, not computed: the same number is an equality, a near one is not"
    )]
    pub fn is_equality(&self) -> bool {
        self.lower == self.upper
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Term {
    row: RowId,
    column: ColumnId,
    coefficient: f64,
}

/// Maximise the objective under the rows. Terms may be added by row or by column, in any order; terms of the same row and
/// column add up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    columns: Vec<Column>,
    rows: Vec<Row>,
    terms: Vec<Term>,
    start: Option<Vec<f64>>,
}

impl Program {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties the program and keeps its memory.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.rows.clear();
        self.terms.clear();
        self.start = None;
    }

    /// A column of whole numbers in `lower..=upper`, worth `objective` a unit.
    pub fn integer(&mut self, objective: f64, lower: i64, upper: i64) -> ColumnId {
        self.column(Column { objective, lower: lower as f64, upper: upper as f64, kind: Kind::Integer })
    }

    /// A column of real numbers.
    pub fn real(&mut self, objective: f64, lower: f64, upper: f64) -> ColumnId {
        self.column(Column { objective, lower, upper, kind: Kind::Real })
    }

    /// A column.
    pub fn column(&mut self, column: Column) -> ColumnId {
        self.columns.push(column);
        ColumnId(self.columns.len() as u32 - 1)
    }

    /// A row without terms.
    pub fn row(&mut self, lower: f64, upper: f64) -> RowId {
        self.rows.push(Row { lower, upper });
        RowId(self.rows.len() as u32 - 1)
    }

    /// A row: the terms are at most `upper`.
    pub fn at_most(&mut self, upper: f64, terms: impl IntoIterator<Item = (ColumnId, f64)>) -> RowId {
        self.row_with(f64::NEG_INFINITY, upper, terms)
    }

    /// A row: the terms are at least `lower`.
    pub fn at_least(&mut self, lower: f64, terms: impl IntoIterator<Item = (ColumnId, f64)>) -> RowId {
        self.row_with(lower, f64::INFINITY, terms)
    }

    /// A row: the terms are `value`.
    pub fn exactly(&mut self, value: f64, terms: impl IntoIterator<Item = (ColumnId, f64)>) -> RowId {
        self.row_with(value, value, terms)
    }

    /// A row with its terms.
    pub fn row_with(&mut self, lower: f64, upper: f64, terms: impl IntoIterator<Item = (ColumnId, f64)>) -> RowId {
        let row = self.row(lower, upper);
        for (column, coefficient) in terms {
            self.term(row, column, coefficient);
        }
        row
    }

    /// Adds `coefficient` of `column` to `row`.
    pub fn term(&mut self, row: RowId, column: ColumnId, coefficient: f64) {
        if coefficient != 0.0 {
            self.terms.push(Term { row, column, coefficient });
        }
    }

    /// Values that are known to hold, one a column: the answer will not be worse.
    pub fn start(&mut self, values: Vec<f64>) {
        self.start = Some(values);
    }

    /// The start, if there is one.
    pub fn start_values(&self) -> Option<&[f64]> {
        self.start.as_deref()
    }

    /// All columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether any column takes whole numbers only.
    pub fn has_integers(&self) -> bool {
        self.columns.iter().any(|column| column.kind == Kind::Integer)
    }

    /// The same program with real columns only and without its start.
    #[must_use]
    pub fn relaxed(&self) -> Self {
        let columns = self.columns.iter().map(|&column| Column { kind: Kind::Real, ..column }).collect();
        Self { columns, rows: self.rows.clone(), terms: self.terms.clone(), start: None }
    }

    /// The same program without the upper bounds that a row implies anyway. microlp starts a column at its better bound,
    /// all of them at the upper one in a packing, and needs a pivot each to bring them back; without that bound it starts
    /// at zero. For 10,000 columns that is 0.5 s instead of 5.6 s.
    #[must_use]
    pub fn loosened(mut self) -> Self {
        let matrix = self.matrix();
        let positive = |terms: &[(ColumnId, f64)], columns: &[Column]| {
            terms.iter().all(|&(column, coefficient)| coefficient > 0.0 && columns[column.0 as usize].lower >= 0.0)
        };
        for (place, row) in self.rows.iter().enumerate() {
            let terms = matrix.row(place);
            if row.upper == f64::INFINITY || !positive(terms, &self.columns) {
                continue;
            }
            for &(column, coefficient) in terms {
                let column = &mut self.columns[column.0 as usize];
                if row.upper <= column.upper * coefficient && column.kind == Kind::Real {
                    column.upper = f64::INFINITY;
                }
            }
        }
        self
    }

    /// The terms by row, in a row by column, with equal ones added up.
    pub fn matrix(&self) -> Matrix {
        let mut order: Vec<Term> = self.terms.clone();
        order.sort_by_key(|term| (term.row, term.column));
        let mut terms: Vec<(ColumnId, f64)> = Vec::with_capacity(order.len());
        let mut ends = Vec::with_capacity(self.rows.len());
        let mut next = order.into_iter().peekable();
        for row in 0..self.rows.len() as u32 {
            let begin = terms.len();
            while let Some(term) = next.next_if(|term| term.row.0 == row) {
                match terms[begin..].last_mut() {
                    Some(last) if last.0 == term.column => last.1 += term.coefficient,
                    _ => terms.push((term.column, term.coefficient)),
                }
            }
            ends.push(terms.len());
        }
        Matrix { terms, ends }
    }

    /// Whether a solver may be given this program. Solvers are not trusted with numbers that are not finite, very large
    /// or very small, nor with columns that do not exist: microlp panics on some of them.
    pub fn check(&self) -> Result<(), Failure> {
        let wrong = |what: String| Err(Failure::Program(what));
        for (place, column) in self.columns.iter().enumerate() {
            if !fits(column.objective) {
                return wrong(format!("column {place} is worth {}", column.objective));
            }
            check_bounds(column.lower, column.upper).map_err(|error| about("column", place, error))?;
            let whole = column.lower.is_finite() && column.upper.is_finite();
            if column.kind == Kind::Integer && (!whole || column.lower.ceil() > column.upper.floor()) {
                return if whole {
                    Err(Failure::Infeasible)
                } else {
                    wrong(format!("integer column {place} has no bound"))
                };
            }
        }
        for (place, row) in self.rows.iter().enumerate() {
            check_bounds(row.lower, row.upper).map_err(|error| about("row", place, error))?;
        }
        for term in &self.terms {
            let (row, column) = (term.row.0 as usize, term.column.0 as usize);
            if row >= self.rows.len() || column >= self.columns.len() {
                return wrong(format!("a term of row {row} and column {column}, which do not both exist"));
            }
            if !fits(term.coefficient) || term.coefficient.abs() < SMALLEST {
                return wrong(format!("row {row} holds {} of column {column}", term.coefficient));
            }
        }
        match &self.start {
            Some(start) if start.len() != self.columns.len() => {
                wrong(format!("a start of {} values for {} columns", start.len(), self.columns.len()))
            }
            _ => Ok(()),
        }
    }
}

fn fits(number: f64) -> bool {
    number.is_finite() && number.abs() <= LARGEST
}

fn check_bounds(lower: f64, upper: f64) -> Result<(), Failure> {
    let low = fits(lower) || lower == f64::NEG_INFINITY;
    let high = fits(upper) || upper == f64::INFINITY;
    match (low && high, lower <= upper) {
        (false, _) => Err(Failure::Program(format!("bounds {lower} and {upper}"))),
        (true, false) => Err(Failure::Infeasible),
        (true, true) => Ok(()),
    }
}

fn about(what: &str, place: usize, failure: Failure) -> Failure {
    match failure {
        Failure::Program(text) => Failure::Program(format!("{what} {place}: {text}")),
        other => other,
    }
}

/// The terms of all rows, one after the other.
#[derive(Clone, Debug)]
pub struct Matrix {
    terms: Vec<(ColumnId, f64)>,
    ends: Vec<usize>,
}

impl Matrix {
    /// The terms of a row, by column.
    pub fn row(&self, row: usize) -> &[(ColumnId, f64)] {
        let begin = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.terms[begin..self.ends[row]]
    }
}
