CREATE TABLE IF NOT EXISTS users (
    id integer AUTO_INCREMENT PRIMARY KEY,
    name varchar(100) NOT NULL,
    email varchar(254) COLLATE utf8mb4_bin NOT NULL UNIQUE
) DEFAULT CHARSET utf8mb4
