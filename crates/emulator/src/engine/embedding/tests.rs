//! How well nearness follows meaning: a text must lie nearer to one on the same matter than to one
//! on another. The triples share few words, so that counting words alone does not pass.

use crate::engine::embedding::{
    DIMENSIONS,
    space::{cosine, vector},
    text,
};

/// A text, one on the same matter, and one on another.
#[rustfmt::skip]
const TRIPLES: &[[&str; 3]] = &[
    ["How do I train my puppy?", "Tips for teaching a young dog", "Quarterly revenue grew by ten percent"],
    ["The kitten slept on the sofa", "Cats love to nap on a couch", "The parliament passed a new tax law"],
    ["What is the refund policy?", "You may return the product within thirty days and get your money back", "The river floods every spring"],
    ["Best way to bake sourdough bread", "A recipe for a crusty loaf with natural yeast", "Football results of last weekend"],
    ["How can I reset my password?", "Steps to recover your login if you cannot sign in", "The chef roasted a chicken"],
    ["My stomach hurts after eating", "Remedies for indigestion and belly pain", "The train to Berlin departs at noon"],
    ["Stocks fell sharply on Monday", "The share market dropped at the start of the week", "She planted tulips in the garden"],
    ["Heavy rain is expected tomorrow", "Forecast: showers and storms on Tuesday", "The guitarist broke a string"],
    ["The rocket launched three astronauts", "A spacecraft carried its crew into orbit", "My grandmother knits sweaters"],
    ["Neural networks learn from data", "Training a deep model on a large dataset", "The bakery sells fresh rolls"],
    ["The judge sentenced the thief to prison", "A court sent the robber to jail", "Whales sing to each other"],
    ["Plants turn sunlight into energy", "Photosynthesis happens in green leaves", "The invoice is due on Friday"],
    ["He scored the winning goal", "The striker decided the football match", "The library closes at eight"],
    ["How to fix a leaking tap", "Repairing a dripping faucet in the kitchen", "The orchestra played Mozart"],
    ["The doctor prescribed antibiotics", "A physician ordered medication against the infection", "Lighthouses guide ships"],
    ["Cheap flights to Lisbon", "Low cost airline tickets to Portugal", "The sculpture is made of marble"],
    ["The car would not start this morning", "Automobile engine fails to turn over", "A poem about autumn"],
    ["She was overjoyed at the news", "Hearing it made her very happy", "The database index is corrupt"],
    ["Wolves hunt in packs", "A group of predators chases a deer", "The password must have eight letters"],
    ["Sort a list of numbers in Python", "Ordering an array of integers with code", "The bride wore a white dress"],
    ["The earthquake destroyed the village", "Tremors levelled a small town", "A discount on winter shoes"],
    ["Climate change melts the glaciers", "Global warming makes polar ice shrink", "The actor forgot his lines"],
    ["The violin concert was sold out", "No tickets left for the orchestra's performance", "Cows give milk"],
    ["How much does the subscription cost?", "Price of the monthly plan", "The volcano is asleep"],
    ["The president gave a speech", "The head of state addressed the nation", "Mix flour, eggs and sugar"],
    ["A boat sank in the harbour", "The ship went down near the port", "The teacher graded the exams"],
    ["Learn to play the piano", "Keyboard lessons for beginners in music", "Tax returns are due in April"],
    ["The patient has a high fever", "Someone ill with a raised temperature", "The bridge was painted green"],
    ["Wheat prices rose after the drought", "Dry weather made grain more expensive", "He composed nine symphonies"],
    ["The server is down", "Our website cannot be reached, the host does not respond", "The hikers reached the summit"],
    ["Elephants have trunks", "The largest land animal uses its long nose", "The committee adjourned the meeting"],
    ["A fire burned down the warehouse", "Flames destroyed the storage building", "She speaks four languages"],
    ["The hotel room has a view of the sea", "Accommodation overlooking the ocean", "The compiler reports an error"],
    ["Vaccines prevent disease", "Immunisation protects people from infections", "The goalkeeper wore gloves"],
    ["The moon orbits the earth", "Our planet has one natural satellite", "The lawyer signed the contract"],
    ["He lost his job at the factory", "The plant laid off a worker", "Bees make honey"],
    ["The film won three awards", "A movie honoured with several prizes", "The bus stops at every corner"],
    ["Electric cars need charging stations", "Where to plug in a battery vehicle", "The monk copied the book"],
    ["The museum shows old paintings", "A gallery exhibits art of past centuries", "The patient broke a leg"],
    ["Coffee keeps me awake", "Espresso stops you from sleeping", "The election was close"],
    ["The children built a snowman", "Kids play outside in the winter", "Interest rates were cut"],
    ["The thief was caught by the police", "Officers arrested a burglar", "The soup needs salt"],
    ["Where can I park my bike?", "Places to leave a bicycle", "The stars are bright tonight"],
    ["My parcel has not arrived", "The package I ordered is late", "The poet died young"],
    ["The bank refused the loan", "A lender turned down the credit application", "The dolphins followed the boat"],
    ["Ancient Rome had many emperors", "Rulers of the Roman empire", "The phone needs a new battery"],
    ["The team practices twice a week", "Players train every Tuesday and Thursday", "Acid turns litmus red"],
    ["Water boils at a hundred degrees", "The temperature at which liquid becomes steam", "The senator resigned"],
    ["She is allergic to peanuts", "Nuts make her ill", "The tower was built in 1889"],
    ["The wedding took place in June", "They married in the summer", "The printer is out of paper"],
    ["A hacker stole customer records", "Data breach exposes clients' information", "The roses smell sweet"],
    ["The marathon runner collapsed", "An athlete fell down during the race", "The library bought new books"],
    ["How do vaccines get approved?", "The steps of a drug trial before a medicine is sold", "The band tuned their guitars"],
    ["The apartment is too expensive", "I cannot afford the rent of this flat", "Jupiter has many moons"],
];

#[test]
fn a_text_lies_nearer_to_its_like() {
    // A short prefix is less exact.
    for (dimensions, least) in [(DIMENSIONS, 0.95), (768, 0.95), (256, 0.9)] {
        let of = |text: &str| vector(&text::features(text), "m", "", dimensions);
        let wrong: Vec<_> = TRIPLES
            .iter()
            .filter(|[text, like, other]| {
                let text = of(text);
                cosine(&text, &of(like)) <= cosine(&text, &of(other))
            })
            .collect();
        let share = 1.0 - wrong.len() as f32 / TRIPLES.len() as f32;
        assert!(
            share >= least,
            "{dimensions}: {share:.3} of the triples; not {wrong:#?}"
        );
    }
}

#[test]
fn a_question_finds_its_document() {
    let documents: Vec<_> = TRIPLES
        .iter()
        .map(|[_, like, _]| vector(&text::features(like), "m", "RETRIEVAL_DOCUMENT", DIMENSIONS))
        .collect();
    let found = TRIPLES.iter().enumerate().filter(|(at, [question, _, _])| {
        let question = vector(
            &text::features(question),
            "m",
            "RETRIEVAL_QUERY",
            DIMENSIONS,
        );
        let nearness = |document: &[f32]| cosine(&question, document);
        let rank = documents
            .iter()
            .filter(|other| nearness(other) > nearness(&documents[*at]))
            .count();
        rank < 3
    });
    let share = found.count() as f32 / TRIPLES.len() as f32;
    assert!(
        share >= 0.8,
        "{share:.3} of the documents are among the first three"
    );
}
