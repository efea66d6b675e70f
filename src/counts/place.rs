//! One place: counting its visits and answering them.

use skimmer_formats::{PerReaction, Reaction};

use super::answer::Answers;
use super::family::{Answer, Counter, FAMILIES, FIRST_COLUMNS, Family, Minor, Period, Visitor};
use super::similar::SimilarLookup;
use super::tally::{Tallies, Tally};
use super::totals::{Table, TotalsRouter};
use super::visit::Visit;
use crate::shuffle::ShuffleError;

/// Counts and answers the visits of one place after the other. Its memory grows with the largest place.
pub(super) struct Places<'a> {
    similar: &'a dyn SimilarLookup,
    tallies: [[Tallies; Counter::ALL.len()]; 2],
    /// The counters that each period's visitors of a kind are counted by, with the minor key they count under.
    counters: [[Vec<(Counter, Minor)>; 4]; 2],
    /// The families each visitor asks for that may have an answer at this place.
    questions: [Vec<Question>; 4],
}

#[derive(Clone, Copy)]
struct Question {
    family: &'static Family,
    column: usize,
}

impl<'a> Places<'a> {
    pub(super) fn new(similar: &'a dyn SimilarLookup) -> Self {
        let mut counters: [[Vec<_>; 4]; 2] = Default::default();
        for Table { period, counter } in Table::ALL {
            let (visitor, minor) = counter.counted_by();
            counters[period as usize][visitor as usize].push((counter, minor));
        }
        Self { similar, tallies: Default::default(), counters, questions: Default::default() }
    }

    /// Counts all visits of one place, answers each, and hands the place's totals over.
    pub(super) fn resolve(
        &mut self,
        visits: &[Visit],
        answers: &mut Answers<'_>,
        totals: &mut TotalsRouter<'_>,
    ) -> Result<(), ShuffleError> {
        self.count(visits);
        self.select_questions();
        for visit in visits {
            self.answer(visit, answers);
            answers.send(visit.stamp.address())?;
        }
        for table in Table::ALL {
            let tallies = &mut self.tallies[table.period as usize][table.counter as usize];
            for (minor, tally) in tallies.totals() {
                totals.send(table, visits[0].major, minor, tally)?;
            }
            tallies.clear();
        }
        Ok(())
    }

    fn count(&mut self, visits: &[Visit]) {
        for visit in visits {
            let Some(period) = visit.stamp.period() else { continue };
            let reactions = visit.stamp.reactions();
            if period == Period::Training && reactions.is_empty() {
                continue;
            }
            for &(counter, minor) in &self.counters[period as usize][visit.stamp.visitor() as usize] {
                let tallies = &mut self.tallies[period as usize][counter as usize];
                tallies.count(visit.key(minor), visit.stamp.group(), reactions);
            }
        }
    }

    /// Most places have no finetune visits and many no training reaction: their families need not be asked for.
    fn select_questions(&mut self) {
        self.questions.iter_mut().for_each(Vec::clear);
        for (family, &column) in FAMILIES.iter().zip(&FIRST_COLUMNS) {
            let counted = !self.tallies[family.period as usize][family.counter as usize].is_empty();
            if counted || family.answer == Answer::SimilarityMass {
                self.questions[family.asked_by as usize].push(Question { family, column });
            }
        }
    }

    fn answer(&self, visit: &Visit, answers: &mut Answers<'_>) {
        let standing = visit.stamp.period();
        for &Question { family, column } in &self.questions[visit.stamp.visitor() as usize] {
            let left_out = (standing == Some(family.period)).then(|| visit.stamp.group());
            let tallies = &self.tallies[family.period as usize][family.counter as usize];
            match family.answer {
                Answer::Reactions => {
                    if let Some(Tally { reactions, .. }) = tallies.ask(visit.key(family.asked_with), left_out) {
                        reactions
                            .iter()
                            .for_each(|(reaction, &count)| answers.count(column + reaction as usize, count));
                    }
                }
                Answer::Unreacted => {
                    if let Some(tally) = tallies.ask(visit.key(family.asked_with), left_out) {
                        answers.count(column, tally.unreacted);
                    }
                }
                Answer::Similar => {
                    let sums = self.similar_sums(visit, tallies, left_out);
                    sums.iter().for_each(|(reaction, &sum)| answers.real(column + reaction as usize, sum));
                }
                Answer::SimilarityMass => answers.real(column, self.similar.get(visit.minor).1.iter().sum()),
            }
        }
    }

    fn similar_sums(&self, visit: &Visit, pairs: &Tallies, left_out: Option<u16>) -> PerReaction<f64> {
        let mut sums = PerReaction::default();
        let (authors, scores) = self.similar.get(visit.minor);
        for (&author, &score) in authors.iter().zip(scores) {
            if let Some(Tally { reactions, .. }) = pairs.ask(author, left_out) {
                for reaction in Reaction::ALL {
                    sums[reaction] += score * f64::from(reactions[reaction]);
                }
            }
        }
        sums
    }
}

// A family that sums over similar authors takes the visit's partner for the author.
const _: () = {
    let mut family = 0;
    while family < FAMILIES.len() {
        let Family { answer, asked_by, .. } = FAMILIES[family];
        assert!(!answer.is_real() || matches!(asked_by, Visitor::Reader));
        family += 1;
    }
};
