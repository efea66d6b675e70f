//! One reader, author or tweet: counting its visits and answering them.

use std::collections::BTreeMap;
use std::rc::Rc;

use skimlog_formats::Reaction;
use skimlog_runtime::shuffle::ShuffleError;

use super::answer::Answers;
use super::family::{Answer, FAMILIES, Family, Minor, Period, Visitor};
use super::numbers::{NONE, Numbers};
use super::reaction_counts::{OwnGroupCounts, ReactionCounts};
use super::similar::SimilarLookup;
use super::table::Table;
use super::totals::TotalsRouter;
use super::visit::Visit;
use crate::key::Key;

/// Counts and answers the visits of one entity after the other. Its memory grows with the most visited entity.
pub(super) struct EntityResolver<'a> {
    similar: &'a dyn SimilarLookup,
    /// The numbers of the counted minor keys of each kind.
    numbers: [Numbers; 3],
    /// In the order of [`Table::ALL`].
    tables: [OwnGroupCounts; Table::ALL.len()],
    /// The tables that each period's visitors of a kind are counted in, with the minor key they count under.
    counting: [[Vec<(usize, Minor)>; 4]; 2],
    /// The families each visitor asks for that may have an answer for this entity.
    questions: Rc<Questions>,
    /// All `questions` so far, by the tables, a bit each, that they were made for.
    known_questions: BTreeMap<u32, Rc<Questions>>,
    /// The tables that `questions` was made for.
    counted_tables: u32,
    /// The numbers of each visit.
    known: Vec<Known>,
    lists: SimilarLists<'a>,
}

/// The similar authors of the authors that the next reader visits bring.
#[derive(Default)]
struct SimilarLists<'a> {
    /// Of the reader visits that were looked up last, and their lists.
    authors: Vec<Key>,
    lists: Vec<(&'a [Key], &'a [f64])>,
    next: usize,
    /// Visits up to which they were looked up.
    end: usize,
}

/// Visits whose similar authors are looked up together: each look-up waits for memory, and so they wait together.
const LOOKED_UP_TOGETHER: usize = 256;

/// Kinds of minor keys, which are numbered apart.
#[derive(Clone, Copy)]
enum Kind {
    User,
    Language,
    Hashtag,
}

impl Kind {
    /// Of a visitor's minor key.
    fn of(visitor: Visitor, minor: Minor) -> Option<Self> {
        match (visitor, minor) {
            (_, Minor::Alone) | (Visitor::Tweet, _) => None,
            (_, Minor::Language) => Some(Self::Language),
            (Visitor::Reader | Visitor::Author, Minor::Partner) => Some(Self::User),
            (Visitor::Hashtag, Minor::Partner) => Some(Self::Hashtag),
        }
    }
}

/// The numbers of a visit's minor keys.
#[derive(Clone, Copy)]
struct Known {
    partner: u32,
    language: u32,
}

impl Known {
    #[inline]
    fn number(self, minor: Minor) -> u32 {
        match minor {
            Minor::Alone => 0,
            Minor::Partner => self.partner,
            Minor::Language => self.language,
        }
    }
}

#[derive(Clone, Copy)]
struct Question {
    /// Index in [`FAMILIES`].
    family: usize,
    /// Index in [`Table::ALL`].
    table: usize,
    asked_with: Minor,
    answer: Answer,
}

/// What each visitor asks.
type Questions = [Vec<Question>; 4];

/// In whose tables the record of a visit is counted, and as what.
#[inline]
fn counted(visit: &Visit) -> Option<(Period, ReactionCounts)> {
    let (period, reactions) = (visit.stamp.period()?, visit.stamp.reactions());
    (period == Period::Validation || !reactions.is_empty()).then(|| (period, ReactionCounts::of(reactions)))
}

impl<'a> EntityResolver<'a> {
    pub(super) fn new(similar: &'a dyn SimilarLookup) -> Self {
        let mut counting: [[Vec<_>; 4]; 2] = Default::default();
        for (index, Table { period, counter }) in Table::ALL.into_iter().enumerate() {
            let (visitor, minor) = counter.counted_by();
            counting[period as usize][visitor as usize].push((index, minor));
        }
        Self {
            similar,
            numbers: Default::default(),
            tables: Default::default(),
            counting,
            questions: Rc::new(questions_about(0)),
            known_questions: BTreeMap::new(),
            counted_tables: 0,
            known: Vec::new(),
            lists: SimilarLists::default(),
        }
    }

    /// Counts all visits of whole entities, which come in order, answers each, and hands the totals over.
    pub(super) fn resolve(
        &mut self,
        visits: &[Visit],
        answers: &mut Answers<'_>,
        totals: &mut TotalsRouter<'_>,
    ) -> Result<(), ShuffleError> {
        (self.lists.next, self.lists.end) = (0, 0);
        let mut start = 0;
        for entity in visits.chunk_by(|a, b| a.major == b.major) {
            let end = start + entity.len();
            if self.lists.end < end {
                let end = visits.len().min(end.max(start + LOOKED_UP_TOGETHER));
                self.lists.look_up(self.similar, &visits[start..end]);
                self.lists.end = end;
            }
            self.resolve_entity(entity, answers, totals)?;
            start = end;
        }
        Ok(())
    }

    fn resolve_entity(
        &mut self,
        visits: &[Visit],
        answers: &mut Answers<'_>,
        totals: &mut TotalsRouter<'_>,
    ) -> Result<(), ShuffleError> {
        self.count(visits);
        let counted_tables = (0..).zip(&self.tables).map(|(bit, table)| u32::from(!table.is_empty()) << bit).sum();
        if counted_tables != self.counted_tables {
            self.counted_tables = counted_tables;
            let known = self.known_questions.entry(counted_tables);
            self.questions = Rc::clone(known.or_insert_with(|| Rc::new(questions_about(counted_tables))));
        }
        let any_author = visits.iter().any(|visit| visit.stamp.visitor() == Visitor::Author);
        let mass = if any_author { self.similar.get(visits[0].major).1.iter().sum() } else { 0.0 };

        let mut first = 0;
        for group in visits.chunk_by(|a, b| a.stamp.group() == b.stamp.group()) {
            self.leave_out(group, first);
            for (visit, index) in group.iter().zip(first..) {
                self.answer(visit, self.known[index], mass, answers);
                answers.send(visit.stamp.address())?;
            }
            self.take_back(group, first);
            first += group.len();
        }

        for (table, counts) in Table::ALL.into_iter().zip(&mut self.tables) {
            if counts.is_empty() {
                continue;
            }
            let (visitor, minor) = table.counter.counted_by();
            let numbers = Kind::of(visitor, minor).map(|kind| &self.numbers[kind as usize]);
            for (number, counts) in counts.totals() {
                let minor = numbers.map_or(Key(0), |numbers| numbers.key(number));
                totals.send(table, visits[0].major, minor, counts)?;
            }
            counts.clear();
        }
        Ok(())
    }

    /// Counts the visits in the tables and numbers the minor keys they count under.
    fn count(&mut self, visits: &[Visit]) {
        let (mut readers, mut hashtags) = (0, 0);
        for visit in visits.iter().filter(|visit| counted(visit).is_some()) {
            readers += usize::from(visit.stamp.visitor() == Visitor::Reader);
            hashtags += usize::from(visit.stamp.visitor() == Visitor::Hashtag);
        }
        let [user_numbers, language_numbers, hashtag_numbers] = &mut self.numbers;
        user_numbers.restart(readers);
        language_numbers.restart(readers);
        hashtag_numbers.restart(hashtags);
        self.known.clear();
        for visit in visits {
            let mut known = Known { partner: NONE, language: NONE };
            let visitor = visit.stamp.visitor();
            if let Some((period, record)) = counted(visit) {
                match visitor {
                    Visitor::Reader => {
                        known.partner = user_numbers.number(visit.minor);
                        known.language = language_numbers.number(visit.language);
                    }
                    Visitor::Hashtag => known.partner = hashtag_numbers.number(visit.minor),
                    Visitor::Author | Visitor::Tweet => {}
                }
                for &(table, minor) in &self.counting[period as usize][visitor as usize] {
                    self.tables[table].count(known.number(minor), record);
                }
            }
            self.known.push(known);
        }
    }

    /// Leaves the visits of one group, the first of which is number `first` of the entity, out of the answers.
    fn leave_out(&mut self, group: &[Visit], first: usize) {
        for (visit, known) in group.iter().zip(&self.known[first..]) {
            if let Some((period, record)) = counted(visit) {
                for &(table, minor) in &self.counting[period as usize][visit.stamp.visitor() as usize] {
                    self.tables[table].leave_out(known.number(minor), record);
                }
            }
        }
    }

    /// Undoes [`EntityResolver::leave_out`].
    fn take_back(&mut self, group: &[Visit], first: usize) {
        for (visit, known) in group.iter().zip(&self.known[first..]) {
            if let Some((period, _)) = counted(visit) {
                for &(table, minor) in &self.counting[period as usize][visit.stamp.visitor() as usize] {
                    self.tables[table].take_back(known.number(minor));
                }
            }
        }
    }

    /// Answers a visit; `mass` is the similarity mass of the entity as an author.
    #[inline]
    fn answer(&mut self, visit: &Visit, mut known: Known, mass: f64, answers: &mut Answers<'_>) {
        let visitor = visit.stamp.visitor();
        let find =
            |minor| Kind::of(visitor, minor).map_or(NONE, |kind| self.numbers[kind as usize].find(visit.key(minor)));
        if known.partner == NONE {
            known = Known { partner: find(Minor::Partner), language: NONE };
            if visitor == Visitor::Reader {
                known.language = find(Minor::Language);
            }
        }
        let similar = if visitor == Visitor::Reader { self.lists.next() } else { Default::default() };
        for &Question { family, table, asked_with, answer } in &self.questions[visitor as usize] {
            match answer {
                Answer::Reactions => {
                    if let Some(counts) = self.tables[table].ask(known.number(asked_with)) {
                        answers.counts(family, counts.reactions.as_count_order());
                    }
                }
                Answer::Unreacted => {
                    if let Some(counts) = self.tables[table].ask(known.number(asked_with)) {
                        answers.counts(family, &[counts.unreacted]);
                    }
                }
                Answer::Similar => {
                    answers.reals(family, &self.similar_sums(similar, &self.tables[table]));
                }
                Answer::SimilarityMass => answers.reals(family, &[mass]),
            }
        }
    }

    /// Sums over similar authors, in count order.
    #[inline]
    fn similar_sums(&self, (authors, scores): (&[Key], &[f64]), pairs: &OwnGroupCounts) -> [f64; 4] {
        let users = &self.numbers[Kind::User as usize];
        let mut sums = [0.0; 4];
        for (authors, scores) in authors.chunks(64).zip(scores.chunks(64)) {
            let mut candidates = users.candidates(authors);
            while candidates != 0 {
                let index = candidates.trailing_zeros() as usize;
                candidates &= candidates - 1;
                if let Some(ReactionCounts { reactions, .. }) = pairs.ask(users.find(authors[index])) {
                    for reaction in Reaction::ALL {
                        sums[reaction as usize] += scores[index] * f64::from(reactions[reaction]);
                    }
                }
            }
        }
        sums
    }
}

impl<'a> SimilarLists<'a> {
    /// Looks up those that the reader visits among `visits` need.
    fn look_up(&mut self, similar: &'a dyn SimilarLookup, visits: &[Visit]) {
        let readers = visits.iter().filter(|visit| visit.stamp.visitor() == Visitor::Reader);
        self.authors.clear();
        self.authors.extend(readers.map(|visit| visit.minor));
        self.lists.clear();
        similar.get_all(&self.authors, &mut self.lists);
        self.next = 0;
    }

    #[inline]
    fn next(&mut self) -> (&'a [Key], &'a [f64]) {
        self.next += 1;
        self.lists[self.next - 1]
    }
}

/// What each visitor asks where something was counted in these tables, a bit each: most entities have no finetune
/// visits and many no training reaction.
fn questions_about(counted_tables: u32) -> Questions {
    let mut questions = Questions::default();
    for (index, family) in FAMILIES.iter().enumerate() {
        let &Family { period, counter, asked_by, asked_with, answer, .. } = family;
        let table = Table { period, counter }.index();
        let question = Question { family: index, table, asked_with, answer };
        if answer == Answer::SimilarityMass {
            // It depends on the author alone, so that it is summed up once, where the author is the entity.
            questions[Visitor::Author as usize].push(question);
        } else if counted_tables >> table & 1 == 1 {
            questions[asked_by as usize].push(question);
        }
    }
    questions
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
